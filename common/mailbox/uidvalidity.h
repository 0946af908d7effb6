/* SPDX-License-Identifier: ISC */
/*
 * uidvalidity - a value that no folder of this user had before.
 *
 * As Dovecot does it: an empty file dovecot-uidvalidity.<8 hex> in the root
 * Maildir, whose rename to the next value takes it; dovecot-uidvalidity
 * holds the last one as text. Without permission to write there the time is
 * the value. So a folder made again under an old name never gets the old
 * UIDVALIDITY (RFC 3501 section 2.3.1.1).
 */
#ifndef COMMON_MAILBOX_UIDVALIDITY_H
#define COMMON_MAILBOX_UIDVALIDITY_H

#include <stdint.h>

uint32_t uidvalidity_next(int root_fd);

#endif
