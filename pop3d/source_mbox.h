/* SPDX-License-Identifier: ISC */
/*
 * source_mbox - the messages of an mbox file, held in memory for a session.
 *
 * Read at login under the locks, which are let go again: deliveries go on.
 * At QUIT the file is locked again; what was there at login must still be
 * its beginning, else nothing is removed. The kept messages are written in
 * place from the first removed one on, since a rename would lose what
 * programs append that wait for a lock on the old file. At most
 * SOURCE_MBOX_SIZE bytes.
 */
#ifndef POP3D_SOURCE_MBOX_H
#define POP3D_SOURCE_MBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "common/result.h"

#include "pop3d/session.h"

#define SOURCE_MBOX_SIZE ((size_t)384 * 1024 * 1024)

struct source_mbox;

/* A file that is not there has no messages. */
struct source_mbox *source_mbox_open(const char *path, struct why *why);
void source_mbox_close(struct source_mbox **mbox);
struct pop3_message *
source_mbox_messages(struct source_mbox *mbox, size_t *count);
bool source_mbox_begin(struct source_mbox *mbox, size_t index);
size_t source_mbox_read(struct source_mbox *mbox, char *bytes, size_t size);
size_t source_mbox_remove(struct source_mbox *mbox, struct why *why);

#endif
