/* SPDX-License-Identifier: ISC */
/*
 * sendmail_options - the command line of forty years. No I/O.
 *
 * One row per letter: whether it takes a value, and what it does. Options
 * that other mailers have and that mean nothing here are taken with their
 * value and ignored; -X, -O and -C (unless root) never name a file.
 */
#ifndef QUEUE_SENDMAIL_OPTIONS_H
#define QUEUE_SENDMAIL_OPTIONS_H

#include <stdbool.h>

#include "common/result.h"

enum sendmail_mode {
	SENDMAIL_SUBMIT,  /* -bm */
	SENDMAIL_SMTP,    /* -bs */
	SENDMAIL_LIST,    /* -bp, mailq */
	SENDMAIL_ALIASES, /* -bi, -I, newaliases */
	SENDMAIL_VERIFY,  /* -bv, -bt */
	SENDMAIL_FLUSH,   /* -q... */
};

struct sendmail_options {
	enum sendmail_mode mode;
	bool has_header_recipients; /* -t */
	bool ignores_dots;          /* -i, -oi */
	bool is_verbose;            /* -v */
	bool is_8bit;               /* -B 8BITMIME */
	bool has_sender;            /* -f, -r */
	const char *sender;
	const char *full_name; /* -F, or NULL */
	const char *config;    /* -C, root only, or NULL */
	char flush_kind;       /* 'a' all, 'I', 'R', 'S' */
	const char *flush_text;
	int operand_count;
	char *const *operands;
};

/* why->text: one line for the user; the exit code is EX_USAGE. */
bool sendmail_options_parse(int argc, char *const argv[], bool is_root,
    struct sendmail_options *out, struct why *why);

#endif
