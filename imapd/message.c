/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/message.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/header.h"
#include "common/limits.h"

#define MESSAGE_MAX   ((size_t)1024 * 1024 * 1024)
#define MESSAGE_ARENA ((size_t)64 * 1024 * 1024)
#define HEADER_READ   8192
#define WHOLE_READ    262144
#define KEEP_MAX      65536

void
message_init(struct message *message)
{
	memset(message, 0, sizeof(*message));
	message->fd = -1;
	buf_init(&message->bytes, MESSAGE_MAX);
}

void
message_clear(struct message *message)
{
	if (message->fd >= 0)
		close(message->fd);
	buf_free(&message->bytes);
	arena_free(&message->arena);
	message_init(message);
}

/* The next message: keep small memory, forget the rest. */
static void
message_forget(struct message *message)
{
	struct buf bytes = message->bytes;

	if (bytes.size > KEEP_MAX) {
		message_clear(message);
		return;
	}
	message->bytes = (struct buf){ 0 };
	message_clear(message);
	message->bytes = bytes;
	buf_clear(&message->bytes);
}

static bool
message_open(struct message *message, struct folder *folder, size_t index,
    struct why *why)
{
	uint32_t uid = folder_mail(folder, index)->uid;

	if (message->uid == uid)
		return true;
	message_forget(message);
	message->fd = folder_mail_open(folder, index, &message->date, why);
	if (message->fd < 0)
		return false;
	message->uid = uid;
	return true;
}

/* False at the end of the file or on an error (*ok). */
static bool
message_read(struct message *message, size_t size, bool *ok)
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
message_convert(struct message *message)
{
	struct slice rest = buf_slice(&message->bytes);
	struct buf wire;
	size_t at;
	char last = '\0';

	if (!has_bare_lf(rest))
		return true;
	buf_init(&wire, MESSAGE_MAX);
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
message_split(struct message *message)
{
	struct header_iterator iterator;
	struct header_field field;

	header_begin(&iterator, buf_slice(&message->bytes));
	while (header_next(&iterator, &field))
		continue;
	message->header_length = iterator.body_offset;
}

static bool
message_read_header(struct message *message)
{
	size_t before = 0;
	bool ok, more;

	do {
		before = message->bytes.len;
		more = message_read(message, HEADER_READ, &ok);
	} while (more && message->bytes.len < LIMIT_HEADER &&
		 !has_header_end(buf_slice(&message->bytes), before));
	if (!ok)
		return false;
	message->is_whole = !more;
	message->has_header = true;
	if (!message_convert(message))
		return false;
	message_split(message);
	return true;
}

static bool
message_read_whole(struct message *message, const struct mail *mail)
{
	bool ok;

	buf_clear(&message->bytes);
	if (lseek(message->fd, 0, SEEK_SET) != 0)
		return false;
	if (mail->size < MESSAGE_MAX - WHOLE_READ)
		(void)buf_reserve(
		    &message->bytes, (size_t)mail->size + WHOLE_READ);
	while (message_read(message, WHOLE_READ, &ok))
		continue;
	if (!ok || !message_convert(message))
		return false;
	message->has_header = message->is_whole = true;
	message_split(message);
	return true;
}

bool
message_load(struct message *message, struct folder *folder, size_t index,
    enum message_part part, struct why *why)
{
	bool ok = message_open(message, folder, index, why);

	if (!ok)
		return false;
	if (part == MESSAGE_HEADER && !message->has_header)
		ok = message_read_header(message);
	/* A header without an end may go on behind the limit. */
	if (ok && part != MESSAGE_OPEN && message->has_header &&
	    !message->is_whole && message->header_length >= message->bytes.len)
		part = MESSAGE_WHOLE;
	if (ok && part == MESSAGE_WHOLE && !message->is_whole)
		ok = message_read_whole(message, folder_mail(folder, index));
	if (ok)
		return true;
	message_clear(message);
	return why_set(why, "the message cannot be read");
}

struct slice
message_header(const struct message *message)
{
	return slice_first(buf_slice(&message->bytes), message->header_length);
}

const struct mime_part *
message_root(struct message *message)
{
	if (message->arena == NULL)
		message->arena = arena_new("message", MESSAGE_ARENA);
	if (message->root == NULL)
		message->root =
		    mime_parse(buf_slice(&message->bytes), message->arena);
	return message->root;
}
