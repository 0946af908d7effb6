/* SPDX-License-Identifier: ISC */
/*
 * store - the inside of struct mailbox: one user's Maildir++.
 *
 * "A/B" is the directory ".A.B" below the root; parts are modified UTF-7 as
 * in Dovecot, and plain UTF-8 directories (Courier's) are found too. A name
 * has no empty part, no "." (the separator on disk), no control character,
 * and at most STORE_NAME_MAX bytes on disk. "INBOX" is the root itself.
 */
#ifndef COMMON_MAILBOX_STORE_H
#define COMMON_MAILBOX_STORE_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/mailbox/mailbox.h"
#include "common/result.h"
#include "common/slice.h"

#define STORE_NAME_MAX  250
#define STORE_PATH_SIZE (STORE_NAME_MAX + 1)

struct mailbox {
	int fd; /* the root Maildir */
};

/* RFC 5530 code with the text. Returns false. */
bool store_refuse(struct why *why, const char *code, const char *text);
/* The directory of a folder, relative to the root; "." for INBOX. It need
 * not exist. */
bool store_path(const struct mailbox *mailbox, struct slice name,
    char path[STORE_PATH_SIZE], struct why *why);
bool store_is_inbox(struct slice name);
bool store_path_exists(const struct mailbox *mailbox, const char *path);
/* UTF-8 with '/' of a directory name; false when it is no folder. */
bool store_name(const char *directory, struct buf *name);
/* Make the directory of a folder with new, cur, tmp and maildirfolder. */
bool
store_make(const struct mailbox *mailbox, const char *path, struct why *why);
/* Each directory of a folder, in no order. */
typedef bool store_directory_fn(void *context, const char *directory);
bool store_each(const struct mailbox *mailbox, store_directory_fn *each,
    void *context, struct why *why);

#endif
