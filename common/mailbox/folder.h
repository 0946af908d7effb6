/* SPDX-License-Identifier: ISC */
/*
 * folder - the inside of struct folder, shared by folder.c (life and
 * views), folder_refresh.c (what the directory says now) and folder_change.c
 * (flags, expunge, reading). Others use mailbox.h.
 *
 * slots are the view: ascending UIDs, in which a vanished mail stays until
 * folder_forget. by_base finds the slot of a base name. file is the name in
 * new/ or cur/ as last seen; the files are the truth, so each use of it must
 * be ready for ENOENT and look again (folder_locate).
 */
#ifndef COMMON_MAILBOX_FOLDER_H
#define COMMON_MAILBOX_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/arena.h"
#include "common/mailbox/keywords.h"
#include "common/mailbox/mailbox.h"
#include "common/mailbox/nametable.h"
#include "common/mailbox/uidlist.h"

#define FOLDER_NAME_SIZE 300 /* "cur/" and a file name */

struct folder_slot {
	struct mail mail; /* first: a slot is found from its mail */
	char *file;
	bool is_in_new;
	uint32_t generation; /* of the scan that saw it last */
};

struct folder {
	int fd;      /* the Maildir */
	int root_fd; /* the user's root Maildir; not ours to close */
	int watch;   /* inotify, or -1 */
	bool is_read_only;
	struct uidlist uids;
	struct keywords keywords;
	struct folder_slot **slots;
	size_t count, room;
	struct nametable by_base;
	struct arena *arena;
	uint32_t generation;
	uint32_t highest; /* UID ever in the view */
	struct timespec new_time, cur_time;
	time_t scanned;
};

/* "new/FILE" or "cur/FILE". */
bool folder_path(const struct folder_slot *slot, char path[FOLDER_NAME_SIZE]);
/* Look for the file of slot again, by its base. False: it vanished (then
 * is_expunged is set) or the directory cannot be read. */
bool
folder_locate(struct folder *folder, struct folder_slot *slot, struct why *why);
void
folder_slot_rename(struct folder_slot *slot, struct slice file, bool is_in_new);
bool folder_update(struct folder *folder, bool *changed, struct why *why);
/* folder_open by path, relative to root_fd. */
struct folder *folder_open_at(
    int root_fd, const char *path, bool is_read_only, struct why *why);

#endif
