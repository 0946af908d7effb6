/* SPDX-License-Identifier: ISC */
/*
 * maildir - one Maildir folder: names, delivery, scan. Formats and scan
 * rules as Dovecot's (see README.md of this folder).
 *
 * A maildir name is base[:2,flags]; base may carry ",S=bytes" (size on
 * disk) and ",W=bytes" (size with CRLF). We store messages with CRLF line
 * ends as they came and write both, mostly equal; foreign files may have LF
 * ends and are served with CRLF.
 */
#ifndef COMMON_MAILBOX_MAILDIR_H
#define COMMON_MAILBOX_MAILDIR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/result.h"
#include "common/slice.h"

/* System flags, also IMAP's. */
enum mail_flags {
	MAIL_SEEN = 1 << 0,     /* S */
	MAIL_ANSWERED = 1 << 1, /* R */
	MAIL_FLAGGED = 1 << 2,  /* F */
	MAIL_DELETED = 1 << 3,  /* T */
	MAIL_DRAFT = 1 << 4,    /* D */
	MAIL_RECENT = 1 << 5,   /* found in new/: this session saw it first */
};

struct maildir_name {
	struct slice base;
	uint32_t flags;      /* enum mail_flags */
	uint32_t keywords;   /* bit n: letter 'a' + n */
	struct slice others; /* the flag letters as read: format keeps those
			      * it does not know */
	uint64_t size;       /* S=, UINT64_MAX when absent */
	uint64_t wire_size;  /* W=, UINT64_MAX when absent */
};

void maildir_name_parse(struct slice file, struct maildir_name *out);
/* base:2,flags with letters in ASCII order. */
bool maildir_name_format(struct buf *out, const struct maildir_name *name);

/* A base that nobody else makes: seconds.M<usec>P<pid>R<random>.<host>. */
bool maildir_unique_base(struct buf *out);
/* This host's name as it stands in base names: no '/', ':' or ','. */
bool maildir_add_host(struct buf *out);

/* Open (and with may_create make: 0700, with new cur tmp) a Maildir. */
int maildir_open(const char *path, bool may_create, struct why *why);

#endif
