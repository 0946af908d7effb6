/* SPDX-License-Identifier: ISC */
/*
 * uidlist - the UIDs of one folder: Dovecot's dovecot-uidlist version 3.
 *
 *     3 V<uidvalidity> N<next uid> G<32 hex>[ <KEY><value>]...
 *     <uid>[ <KEY><value>]... :<base name>
 *
 * Version 1 (which is also Courier's courierimapuiddb) is read. Header and
 * record fields that mean nothing to us are kept. Reading takes no lock; a
 * change needs uidlist_lock. New lines are appended ([U1] after fdatasync);
 * any other change writes dovecot-uidlist.tmp, fdatasyncs it and renames it
 * ([U2]), then syncs the directory ([U3]).
 *
 * A UID is never given twice: the next one is max(N, last UID + 1), and a
 * damaged file keeps every UID that can still be read. Lines that make no
 * sense are left out and the file is rewritten at the next change; without a
 * sane header the folder gets a new UIDVALIDITY. At most UIDLIST_SIZE bytes.
 */
#ifndef COMMON_MAILBOX_UIDLIST_H
#define COMMON_MAILBOX_UIDLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/mailbox/nametable.h"
#include "common/result.h"
#include "common/slice.h"

#define UIDLIST_FILE      "dovecot-uidlist"
#define UIDLIST_LOCK      "dovecot-uidlist.lock"
#define UIDLIST_COURIER   "courierimapuiddb"
#define UIDLIST_SIZE      (256U * 1024 * 1024)
#define UIDLIST_LOCK_WAIT 30 /* seconds */

struct uidlist_entry {
	uint32_t uid;
	bool is_gone;        /* its file vanished: left out of a rewrite */
	struct slice fields; /* "W12 Pold": as read, without end blanks */
	struct slice base;
};

struct uidlist {
	uint32_t uidvalidity; /* 0: none yet */
	uint32_t next;
	struct slice extra;             /* header fields but V and N */
	struct uidlist_entry **entries; /* ascending by uid */
	size_t count, room;
	struct nametable by_base; /* latest entry of a base name */
	struct arena *arena;
	dev_t device; /* of the file last read */
	ino_t inode;
	uint64_t parsed; /* its bytes that are in entries */
	bool is_damaged; /* rewrite, do not append */
	bool is_read;    /* a file of ours exists */
};

void uidlist_init(struct uidlist *list);
void uidlist_clear(struct uidlist *list);

/* Bring the list up to date with the file in dirfd. A file that is not
 * there is an empty list. */
bool uidlist_read(struct uidlist *list, int dirfd, struct why *why);
/* Parse whole lines at the start of a file, or, with a header known, further
 * lines. Returns the bytes used: a last line without LF is left. */
size_t uidlist_parse(struct uidlist *list, struct slice text);
/* The whole file as it would be written. */
bool uidlist_format(const struct uidlist *list, struct buf *out);

/* NULL also for an entry that is gone. */
struct uidlist_entry *
uidlist_find(const struct uidlist *list, struct slice base);
/* Value of record field key ('P'); false when absent. */
bool
uidlist_field(const struct uidlist_entry *entry, char key, struct slice *value);
/* Give base the next UID, in memory. NULL: UIDs are used up. */
struct uidlist_entry *uidlist_assign(struct uidlist *list, struct slice base);

bool uidlist_lock(int dirfd, struct why *why);
void uidlist_unlock(int dirfd);
/* Under the lock: put the entries from index first on into the file. */
bool
uidlist_save(struct uidlist *list, int dirfd, size_t first, struct why *why);
/* Under the lock: write it anew, without the entries that are gone. */
bool uidlist_rewrite(struct uidlist *list, int dirfd, struct why *why);

#endif
