/* SPDX-License-Identifier: ISC */
/*
 * mutf7 - modified UTF-7 (RFC 3501 section 5.1.3) to UTF-8 and back.
 *
 * The form in which Dovecot stores folder names on disk and in which IMAP
 * clients send them. Decoding is strict: no superfluous shifts, no printable
 * ASCII inside one, whole surrogate pairs, valid UTF-8 going in. False
 * leaves out in an unspecified state.
 */
#ifndef COMMON_MAILBOX_MUTF7_H
#define COMMON_MAILBOX_MUTF7_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/slice.h"
#include "common/utf8.h"

bool mutf7_encode(struct slice utf8, struct buf *out);
bool mutf7_decode(struct slice mutf7, struct buf *out);

#endif
