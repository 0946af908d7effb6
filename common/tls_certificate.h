/* SPDX-License-Identifier: ISC */
/*
 * tls_certificate - the host's own self-signed certificate.
 *
 * A P-256 key and a certificate for hostname in state_directory/tls, made
 * once, so that TLS always works; a real certificate replaces it by the
 * settings. The key has mode 0600. Two processes that find nothing make one
 * pair: the maker holds a lock, the pair appears by rename, the certificate
 * last.
 */
#ifndef COMMON_TLS_CERTIFICATE_H
#define COMMON_TLS_CERTIFICATE_H

#include <stdbool.h>

#include "common/result.h"
#include "common/settings.h"

struct tls_certificate_paths {
	char certificate[1024];
	char key[1024];
};

/* Where it is; made when it is not there. */
bool tls_certificate_find(const struct settings *settings,
    struct tls_certificate_paths *paths, struct why *why);

#endif
