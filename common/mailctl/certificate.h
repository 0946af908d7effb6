/* SPDX-License-Identifier: ISC */
/*
 * certificate - when a certificate ends, without a TLS library.
 *
 * Reads only what it needs of the first certificate in a PEM text: the
 * Validity of RFC 5280 section 4.1.2.5 (UTCTime or GeneralizedTime, both in
 * Zulu). The file is root's own, yet every length is checked. No I/O.
 */
#ifndef COMMON_MAILCTL_CERTIFICATE_H
#define COMMON_MAILCTL_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/result.h"
#include "common/slice.h"

/* Seconds since 1970. */
bool certificate_parse_end(struct slice pem, int64_t *end, struct why *why);

#endif
