/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailbox/keywords.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fsutil.h"

void
keywords_clear(struct keywords *keywords)
{
	for (size_t i = 0; i < MAILBOX_KEYWORDS_MAX; i++)
		alloc_release(keywords->names[i]);
	memset(keywords, 0, sizeof(*keywords));
}

static void
keywords_put(struct keywords *keywords, size_t number, struct slice name)
{
	char text[KEYWORD_SIZE];

	if (!slice_to_array(name, text, sizeof(text)) || name.len == 0)
		return;
	alloc_release(keywords->names[number]);
	keywords->names[number] = alloc_string(text);
	if (keywords->count <= number)
		keywords->count = number + 1;
}

void
keywords_parse(struct keywords *keywords, struct slice text)
{
	struct slice line, number, name;
	uint64_t value;

	while (text.len > 0) {
		slice_cut(text, '\n', &line, &text);
		if (slice_cut(line, ' ', &number, &name) &&
		    slice_u64(number, MAILBOX_KEYWORDS_MAX - 1, &value))
			keywords_put(keywords, (size_t)value, slice_trim(name));
	}
	/* No holes: a letter in between may be in use. */
	for (size_t i = 0; i < keywords->count; i++)
		keywords_cover(keywords, (uint32_t)1 << i);
}

bool
keywords_read(struct keywords *keywords, int dirfd, struct why *why)
{
	struct stat status;
	struct buf text;
	bool ok;

	if (fstatat(dirfd, KEYWORDS_FILE, &status, 0) != 0) {
		if (errno != ENOENT)
			return why_errno(why, "cannot stat " KEYWORDS_FILE);
		return true;
	}
	if (status.st_mtim.tv_sec == keywords->modified.tv_sec &&
	    status.st_mtim.tv_nsec == keywords->modified.tv_nsec)
		return true;
	buf_init(&text, 65536);
	ok = fs_read_file(dirfd, KEYWORDS_FILE, &text, why);
	if (ok) {
		keywords_clear(keywords);
		keywords_parse(keywords, buf_slice(&text));
		keywords->modified = status.st_mtim;
	}
	buf_free(&text);
	return ok;
}

/* Dovecot compares whole seconds on some file systems: grow by one. */
static void
keywords_advance(struct keywords *keywords, int dirfd)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = keywords->modified.tv_sec + 1 } };
	struct stat status;

	if (fstatat(dirfd, KEYWORDS_FILE, &status, 0) != 0)
		return;
	if (status.st_mtim.tv_sec <= keywords->modified.tv_sec &&
	    utimensat(dirfd, KEYWORDS_FILE, times, 0) == 0)
		status.st_mtim = times[1];
	keywords->modified = status.st_mtim;
}

bool
keywords_write(struct keywords *keywords, int dirfd, struct why *why)
{
	struct buf text;
	bool ok;

	buf_init(&text, 65536);
	for (size_t i = 0; i < keywords->count; i++)
		if (keywords->names[i] != NULL)
			buf_add_format(
			    &text, "%zu %s\n", i, keywords->names[i]);
	ok = fs_replace(dirfd, KEYWORDS_FILE, buf_slice(&text), 0600, why);
	if (ok)
		keywords_advance(keywords, dirfd);
	buf_free(&text);
	return ok;
}

int
keywords_find(const struct keywords *keywords, struct slice name)
{
	for (size_t i = 0; i < keywords->count; i++)
		if (keywords->names[i] != NULL &&
		    slice_eq_nocase(slice_of(keywords->names[i]), name))
			return (int)i;
	return -1;
}

int
keywords_add(struct keywords *keywords, struct slice name)
{
	if (name.len == 0 || name.len >= KEYWORD_SIZE)
		return -1;
	for (size_t i = 0; i < MAILBOX_KEYWORDS_MAX; i++) {
		if (keywords->names[i] != NULL)
			continue;
		keywords_put(keywords, i, name);
		return (int)i;
	}
	return -1;
}

void
keywords_remove(struct keywords *keywords, int number)
{
	alloc_release(keywords->names[number]);
	keywords->names[number] = NULL;
	while (
	    keywords->count > 0 && keywords->names[keywords->count - 1] == NULL)
		keywords->count--;
}

void
keywords_cover(struct keywords *keywords, uint32_t bits)
{
	char name[32];

	for (size_t i = 0; i < MAILBOX_KEYWORDS_MAX; i++) {
		if ((bits >> i & 1) == 0 || keywords->names[i] != NULL)
			continue;
		snprintf(name, sizeof(name), "unknown-%zu", i);
		keywords_put(keywords, i, slice_of(name));
	}
}
