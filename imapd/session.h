/* SPDX-License-Identifier: ISC */
/*
 * session - a logged-in IMAP session (RFC 3501) over one user's mailbox.
 *
 * Bytes in (session_step), responses into output; files of the mailbox are
 * its only other contact with the world, the network is mailbox_io.c's.
 * Between commands nothing of a command is kept: the arena is reset. Message
 * numbers change only in session_report, which says so (section 7.4.1).
 */
#ifndef IMAPD_SESSION_H
#define IMAPD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/mailbox/mailbox.h"
#include "common/settings.h"

#include "imapd/append.h"
#include "imapd/command.h"
#include "imapd/content.h"
#include "imapd/output.h"
#include "imapd/reader.h"

#define SESSION_CAPABILITIES                                                   \
	"IMAP4rev1 LITERAL- SASL-IR ID IDLE NAMESPACE CHILDREN UNSELECT "      \
	"UIDPLUS MOVE SPECIAL-USE"

enum session_mode {
	SESSION_COMMAND,
	SESSION_IDLE,
	SESSION_CLOSED
};

struct session {
	const struct settings *settings;
	const char *hostname;
	struct mailbox *mailbox;
	struct output *output;
	struct reader reader;
	struct arena *arena;
	struct buf reply; /* "OK text" of the command at work */
	enum session_mode mode;
	struct buf idle_tag;
	size_t errors;
	bool has_specials; /* made in this session */
	struct append append;
	/* the selected folder */
	struct folder *folder;
	bool is_read_only;
	size_t shown_count, shown_recent, shown_keywords;
	struct content message; /* the last one read */
};

/* Takes no ownership; mailbox and output live longer. */
void session_init(struct session *session, const struct settings *settings,
    struct mailbox *mailbox, struct output *output);
void session_clear(struct session *session);
/* Handle input until it is used up or the session is closed. */
void session_step(struct session *session, struct slice input);
/* Look at the folder and say what is new; while idle also expunges. */
void session_report(struct session *session, bool may_expunge, bool has_uid);
/* Say BYE and close. */
void session_bye(struct session *session, const char *text);

/* For commands: the tagged reply, without the tag. */
void reply_set(struct session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* NO, with the response code that fits why (RFC 5530). */
void reply_why(struct session *session, const struct why *why);
/* Write tag and reply, empty reply. */
void reply_send(struct session *session, struct slice tag);
/* The UTF-8 name of a folder as the client sent it; false: replied. */
bool session_folder_name(
    struct session *session, struct slice sent, struct slice *name);
void session_unselect(struct session *session);
void session_say_flags(struct session *session);
void session_add_flags(
    struct session *session, struct buf *out, const struct mail *mail);

/*
 * The messages of a set, by index. Numbers past the end are an error without
 * UID and are passed over with it (RFC 3501 section 9, seq-number).
 */
struct selection {
	const struct sequence_set *set;
	size_t next;
	bool is_uid;
};
bool selection_begin(struct selection *selection, struct session *session,
    struct command *command);
bool selection_next(
    struct selection *selection, struct session *session, size_t *index);

#endif
