/* SPDX-License-Identifier: ISC */
/*
 * xtext - the two ways in which parameters carry text that may not stand in
 * a command: xtext (RFC 3461 section 4), where "+" and two upper-case hex
 * digits are a byte, and utf-8-addr-xtext (RFC 6533 section 3), where
 * \x{HEX} is a code point. Decoding is strict; out gets the bytes, and false
 * means malformed or longer than out may be.
 */
#ifndef SMTPD_XTEXT_H
#define SMTPD_XTEXT_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/slice.h"

bool xtext_decode(struct slice text, struct buf *out);
/* What stands for itself may be any byte (XCLIENT). */
bool xtext_decode_any(struct slice text, struct buf *out);
/* Raw UTF-8 is taken as well (utf-8-addr-unitext). */
bool xtext_decode_utf8(struct slice text, struct buf *out);

#endif
