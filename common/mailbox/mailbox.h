/* SPDX-License-Identifier: ISC */
/*
 * mailbox - one user's mail as IMAP and POP3 see it: folders with UIDs.
 *
 * The store is Maildir++ (folder "A/B" is the directory ".A.B"); the UID
 * list is Dovecot's dovecot-uidlist version 3, keywords are in
 * dovecot-keywords, subscriptions in subscriptions. A folder opened here is
 * a snapshot that changes only in folder_refresh and by our own changes, so
 * message sequence numbers are stable in between. Files are the truth and
 * may be changed by others at any time: the scan rules of README.md hold.
 *
 * Not thread safe; one process per session. Every function that returns
 * bool fills why; ownership: strings given out live until the next call on
 * the same object or until it is closed.
 */
#ifndef COMMON_MAILBOX_MAILBOX_H
#define COMMON_MAILBOX_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/mailbox/maildir.h"
#include "common/result.h"
#include "common/slice.h"
#include "common/users.h"

#define MAILBOX_KEYWORDS_MAX 26
#define MAILBOX_SEPARATOR    '/'

struct mailbox; /* one user's store */
struct folder;  /* one open folder */

struct mail {
	uint32_t uid;
	uint32_t flags;     /* enum mail_flags */
	uint32_t keywords;  /* bit per folder keyword */
	uint64_t size;      /* on disk; UINT64_MAX until known */
	uint64_t wire_size; /* with CRLF; UINT64_MAX until known */
	bool is_expunged;   /* vanished; goes at the next folder_expunged */
	bool is_changed;    /* flags changed by others since last cleared */
	struct slice base;
	const char *uidl; /* P field override, or NULL */
};

/* Makes INBOX when it is not there yet. */
struct mailbox *mailbox_open(const struct user *user, struct why *why);
void mailbox_close(struct mailbox **mailbox);

/* Names are UTF-8 with '/' here; callers convert modified UTF-7. "INBOX"
 * in any case is the inbox. why->status: "NONEXISTENT", "ALREADYEXISTS",
 * "CANNOT", "" (RFC 5530 codes). */
bool
mailbox_create(struct mailbox *mailbox, struct slice name, struct why *why);
bool
mailbox_delete(struct mailbox *mailbox, struct slice name, struct why *why);
/* Children move too; INBOX: its messages move, it stays (RFC 3501 6.3.5). */
bool mailbox_rename(struct mailbox *mailbox, struct slice from, struct slice to,
    struct why *why);
bool mailbox_exists(struct mailbox *mailbox, struct slice name);
/* Every folder, INBOX first, then by name. Names that exist only as a
 * parent of others are given with is_selectable false. */
typedef bool mailbox_name_fn(
    void *context, struct slice name, bool is_selectable, bool has_children);
bool mailbox_each(struct mailbox *mailbox, mailbox_name_fn *each, void *context,
    struct why *why);
bool mailbox_subscribe(
    struct mailbox *mailbox, struct slice name, bool on, struct why *why);
bool mailbox_each_subscribed(struct mailbox *mailbox, mailbox_name_fn *each,
    void *context, struct why *why);

struct folder *folder_open(struct mailbox *mailbox, struct slice name,
    bool is_read_only, struct why *why);
void folder_close(struct folder **folder);

uint32_t folder_uidvalidity(const struct folder *folder);
uint32_t folder_uidnext(const struct folder *folder);
size_t folder_count(const struct folder *folder);
/* index 0 is sequence number 1; ascending UIDs. */
struct mail *folder_mail(struct folder *folder, size_t index);
/* Index of the first mail with UID >= uid; folder_count when none. */
size_t folder_find_uid(const struct folder *folder, uint32_t uid);
size_t folder_recent_count(const struct folder *folder);

/* Look at the directory again: new mails are appended, vanished ones get
 * is_expunged, changed flags is_changed. *changed tells if anything did. */
bool folder_refresh(struct folder *folder, bool *changed, struct why *why);
/* Drop mail index, which has is_expunged, from the view. */
void folder_forget(struct folder *folder, size_t index);
/* Quiet ways to learn of changes: a descriptor that becomes readable
 * (inotify), or -1: then call folder_refresh now and then. */
int folder_watch(struct folder *folder);

/* Keyword names of the folder; NULL past the end. */
const char *folder_keyword(const struct folder *folder, size_t number);
/* Find or, with may_create, make one: -1 when there are 26 already,
 * FOLDER_KEYWORD_UNSAVED when it could not be written down. */
#define FOLDER_KEYWORD_UNSAVED (-2)
int
folder_keyword_find(struct folder *folder, struct slice name, bool may_create);

/* Absolute new value of one mail. Renames the file at once. */
bool folder_set_flags(struct folder *folder, size_t index, uint32_t flags,
    uint32_t keywords, struct why *why);
/* Unlink the file and set is_expunged. */
bool folder_expunge(struct folder *folder, size_t index, struct why *why);

/* A read-only descriptor of the message file, with *mtime its internal
 * date; -1 when it vanished (then is_expunged is set) or on error. */
int folder_mail_open(
    struct folder *folder, size_t index, time_t *mtime, struct why *why);

/* Fill size and wire_size, reading the file when they are unknown. */
bool folder_measure(struct folder *folder, size_t index, struct why *why);

/*
 * Adding: file goes to tmp/, bytes are written, then commit makes it
 * durable ([M1] fsync, [M2] rename, [M3] directory) and gives its UID.
 * The folder need not be open. uid 0 from commit is never valid.
 */
struct appender;
struct appender *
appender_open(struct mailbox *mailbox, struct slice name, struct why *why);
bool
appender_write(struct appender *appender, struct slice bytes, struct why *why);
/* The descriptor being written, for copying whole files. */
int appender_descriptor(struct appender *appender);
struct append_facts {
	uint32_t flags;
	const struct slice *keyword_names;
	size_t keyword_count;
	time_t internal_date; /* 0: now */
};
bool
appender_commit(struct appender *appender, const struct append_facts *facts,
    uint32_t *uidvalidity, uint32_t *uid, struct why *why);
/* Aborts when not committed. */
void appender_close(struct appender **appender);

/* Counts of a folder that need not be open: MESSAGES RECENT UNSEEN UIDNEXT
 * UIDVALIDITY. */
struct folder_status {
	uint32_t messages, recent, unseen, uidnext, uidvalidity;
};
bool mailbox_status(struct mailbox *mailbox, struct slice name,
    struct folder_status *out, struct why *why);

#endif
