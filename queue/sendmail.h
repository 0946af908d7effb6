/* SPDX-License-Identifier: ISC */
/*
 * sendmail - submission on this host, without privileges.
 *
 * Reads a message from a descriptor, makes its lines end in CRLF, takes
 * recipients from arguments and (-t) from its header, strips Bcc: then, and
 * writes one file into spool/drop. Results are exit codes of sysexits.h with
 * one line in why. Nothing here needs a daemon to run.
 */
#ifndef QUEUE_SENDMAIL_H
#define QUEUE_SENDMAIL_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/settings.h"

#include "queue/drop.h"
#include "queue/sendmail_options.h"

/* The exit code. */
int sendmail_submit(const struct settings *settings,
    const struct sendmail_options *options, int input_fd, struct why *why);
/* SMTP on two descriptors (-bs), the same drop path behind it. */
int sendmail_smtp(const struct settings *settings, int input_fd, int output_fd);
/* Where would it go? One line per operand on stdout. */
int sendmail_verify(const struct settings *settings,
    const struct sendmail_options *options, struct why *why);
/* Tell qmgr to try again. */
int sendmail_flush(const struct settings *settings,
    const struct sendmail_options *options, struct why *why);

/* Line ends of any kind become CRLF, NUL bytes vanish. A lone dot ends the
 * input unless dots are ignored. */
struct text_filter {
	bool ignores_dots;
	bool is_after_cr;
	bool is_at_end;
	struct buf line; /* unfinished, at most TEXT_LINE_MAX */
};
#define TEXT_LINE_MAX 65536
void text_filter_init(struct text_filter *filter, bool ignores_dots);
bool text_filter_feed(
    struct text_filter *filter, struct slice bytes, struct buf *out);
bool text_filter_end(struct text_filter *filter, struct buf *out);
void text_filter_free(struct text_filter *filter);

/* Recipients and senders as they are written on command lines. */
struct address_set {
	struct arena *arena;
	struct slice *items;
	size_t count, room;
	bool is_full;
	bool has_found; /* by the last call of address_set_add */
};
/* Every mailbox of an address list; false when there is none in it. */
bool address_set_add(struct address_set *set, struct slice list);
/* "user@domain", "<>" or "" */
bool sendmail_sender(const struct settings *settings, struct slice text,
    struct arena *arena, struct slice *out);
/* The caller's own address. */
bool sendmail_own_address(
    const struct settings *settings, struct arena *arena, struct slice *out);
/* EX_TEMPFAIL when the spool is full or ill, EX_CANTCREAT when there is
 * none for us. */
int sendmail_exit_code(const struct why *why);

#endif
