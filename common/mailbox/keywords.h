/* SPDX-License-Identifier: ISC */
/*
 * keywords - the keyword names of one folder: Dovecot's dovecot-keywords.
 *
 * Lines "<0 to 25> <name>": number n is the letter 'a' + n in file names.
 * Names compare without case. A letter in use without a line is called
 * "unknown-<n>". Changes are made under the uidlist lock (uidlist.h): the
 * caller reads again, adds, writes. The file's time must grow with each
 * write, since Dovecot and we notice changes by it.
 */
#ifndef COMMON_MAILBOX_KEYWORDS_H
#define COMMON_MAILBOX_KEYWORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/mailbox/mailbox.h"
#include "common/result.h"
#include "common/slice.h"

#define KEYWORDS_FILE "dovecot-keywords"
#define KEYWORD_SIZE  256

struct keywords {
	char *names[MAILBOX_KEYWORDS_MAX]; /* NULL: free */
	size_t count;                      /* highest used number + 1 */
	struct timespec modified;          /* of the file last read */
};

void keywords_clear(struct keywords *keywords);
/* Lines that make no sense are passed over. */
void keywords_parse(struct keywords *keywords, struct slice text);
bool keywords_read(struct keywords *keywords, int dirfd, struct why *why);
bool keywords_write(struct keywords *keywords, int dirfd, struct why *why);
/* -1: not there. */
int keywords_find(const struct keywords *keywords, struct slice name);
/* The lowest free number, or -1. */
int keywords_add(struct keywords *keywords, struct slice name);
/* Takes back what was added and could not be written. */
void keywords_remove(struct keywords *keywords, int number);
/* Give every letter of bits a name. */
void keywords_cover(struct keywords *keywords, uint32_t bits);

#endif
