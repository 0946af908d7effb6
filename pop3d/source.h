/* SPDX-License-Identifier: ISC */
/*
 * source - the messages that a POP3 session is about: INBOX as a Maildir, or
 * an mbox file.
 *
 * Made once at login: a snapshot. UIDL is Dovecot's default, 8 hexadecimal
 * digits of the UID and 8 of UIDVALIDITY, unless the UID list has an own one
 * for a message (field P); duplicates get the default. For an mbox, which has
 * no UIDs, it is a checksum over the message and its number among equals.
 * Removing from an mbox writes the rest anew under its locks ([P2]); a
 * Maildir message is unlinked ([P1]).
 */
#ifndef POP3D_SOURCE_H
#define POP3D_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/result.h"
#include "common/users.h"

#include "pop3d/session.h"

struct source;

struct source *source_open(const struct user *user, struct why *why);
void source_close(struct source **source);
/* The session's, as many as *count; they live as long as the source. */
struct pop3_message *source_messages(struct source *source, size_t *count);

/* Reading message index: begin, read until *got is 0, end. */
bool source_begin(struct source *source, size_t index, struct why *why);
bool source_read(struct source *source, char *bytes, size_t size, size_t *got,
    struct why *why);
void source_end(struct source *source);
/* Remove what is marked; the number that could not be removed. */
size_t source_remove(struct source *source, struct why *why);

#endif
