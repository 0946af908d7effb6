/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/content.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/header.h"
#include "common/limits.h"

#define CONTENT_MAX   ((size_t)1024 * 1024 * 1024)
#define CONTENT_ARENA ((size_t)64 * 1024 * 1024)
#define HEADER_READ   8192
#define WHOLE_READ    262144
#define KEEP_MAX      65536

void
content_init(struct content *message)
{
	memset(message, 0, sizeof(*message));
	message->fd = -1;
	buf_init(&message->bytes, CONTENT_MAX);
}

void
content_clear(struct content *message)
{
	if (message->fd >= 0)
		close(message->fd);
	buf_free(&message->bytes);
	arena_free(&message->arena);
	content_init(message);
}

/* The next message: keep small memory, forget the rest. */
static void
content_forget(struct content *message)
{
	struct buf bytes = message->bytes;

	if (bytes.size > KEEP_MAX) {
		content_clear(message);
		return;
	}
	message->bytes = (struct buf){ 0 };
	content_clear(message);
	message->bytes = bytes;
	buf_clear(&message->bytes);
}

static bool
content_open(struct content *message, struct folder *folder, size_t index,
    struct why *why)
{
	uint32_t uid = folder_mail(folder, index)->uid;

	if (message->uid == uid)
		return true;
	content_forget(message);
	message->fd = folder_mail_open(folder, index, &message->date, why);
	if (message->fd < 0)
		return false;
	message->uid = uid;
	return true;
}

/* False at the end of the file or on an error (*ok). */
static bool
content_read(struct content *message, size_t size, bool *ok)
{
	char *room = buf_reserve(&message->bytes, size);
	ssize_t n;

	if (room == NULL) {
		*ok = false;
		return false;
	}
	do
		n = read(message->fd, room, size);
	while (n < 0 && errno == EINTR);
	*ok = n >= 0;
	if (n <= 0)
		return false;
	buf_commit(&message->bytes, (size_t)n);
	return true;
}

static bool
has_header_end(struct slice bytes, size_t from)
{
	struct slice rest = slice_from(bytes, from < 3 ? 0 : from - 3);

	return slice_find(rest, S("\n\r\n")) < rest.len ||
	       slice_find(rest, S("\n\n")) < rest.len ||
	       slice_starts(bytes, S("\r\n")) || slice_starts(bytes, S("\n"));
}

static bool
has_bare_lf(struct slice bytes)
{
	size_t from = 0, at;

	for (;;) {
		at = slice_index(slice_from(bytes, from), '\n');
		if (from + at >= bytes.len)
			return false;
		from += at;
		if (from == 0 || bytes.ptr[from - 1] != '\r')
			return true;
		from++;
	}
}

/* In place of LF, CRLF. */
static bool
content_convert(struct content *message)
{
	struct slice rest = buf_slice(&message->bytes);
	struct buf wire;
	size_t at;
	char last = '\0';

	if (!has_bare_lf(rest))
		return true;
	buf_init(&wire, CONTENT_MAX);
	(void)buf_reserve(&wire, rest.len + rest.len / 32);
	while (rest.len > 0) {
		at = slice_index(rest, '\n');
		buf_add(&wire, slice_first(rest, at));
		if (at > 0)
			last = rest.ptr[at - 1];
		if (at < rest.len) {
			buf_add_string(&wire, last == '\r' ? "\n" : "\r\n");
			last = '\n';
		}
		rest = slice_from(rest, at + 1);
	}
	buf_free(&message->bytes);
	message->bytes = wire;
	return !wire.failed;
}

static void
content_split(struct content *message)
{
	struct header_iterator iterator;
	struct header_field field;

	header_begin_stored(&iterator, buf_slice(&message->bytes));
	while (header_next(&iterator, &field))
		continue;
	message->header_length = iterator.body_offset;
}

static bool
content_read_header(struct content *message)
{
	size_t before = 0;
	bool ok, more;

	do {
		before = message->bytes.len;
		more = content_read(message, HEADER_READ, &ok);
	} while (more && message->bytes.len < LIMIT_HEADER &&
		 !has_header_end(buf_slice(&message->bytes), before));
	if (!ok)
		return false;
	message->is_whole = !more;
	message->has_header = true;
	if (!content_convert(message))
		return false;
	content_split(message);
	return true;
}

static bool
content_read_whole(struct content *message, const struct mail *mail)
{
	bool ok;

	buf_clear(&message->bytes);
	if (lseek(message->fd, 0, SEEK_SET) != 0)
		return false;
	if (mail->size < CONTENT_MAX - WHOLE_READ)
		(void)buf_reserve(
		    &message->bytes, (size_t)mail->size + WHOLE_READ);
	while (content_read(message, WHOLE_READ, &ok))
		continue;
	if (!ok || !content_convert(message))
		return false;
	message->has_header = message->is_whole = true;
	content_split(message);
	return true;
}

/* A header without an end may go on behind the limit. */
static bool
header_is_cut(const struct content *message)
{
	return message->has_header && !message->is_whole &&
	       message->header_length >= message->bytes.len;
}

static bool
content_read_part(
    struct content *message, const struct mail *mail, enum content_part part)
{
	if (part == CONTENT_HEADER && !message->has_header &&
	    !content_read_header(message))
		return false;
	if (part == CONTENT_HEADER && header_is_cut(message))
		part = CONTENT_WHOLE;
	return part != CONTENT_WHOLE || message->is_whole ||
	       content_read_whole(message, mail);
}

bool
content_load(struct content *message, struct folder *folder, size_t index,
    enum content_part part, struct why *why)
{
	if (!content_open(message, folder, index, why))
		return false;
	if (content_read_part(message, folder_mail(folder, index), part))
		return true;
	content_clear(message);
	return why_set(why, "the message cannot be read");
}

struct slice
content_header(const struct content *message)
{
	return slice_first(buf_slice(&message->bytes), message->header_length);
}

const struct mime_part *
content_root(struct content *message)
{
	if (message->arena == NULL)
		message->arena = arena_new("message", CONTENT_ARENA);
	if (message->root == NULL)
		message->root =
		    mime_parse(buf_slice(&message->bytes), message->arena);
	return message->root;
}
