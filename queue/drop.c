/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/drop.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fault.h"
#include "common/fsutil.h"
#include "common/limits.h"

static const struct slice magic = SLICE("MERPATI-DROP 1\n");

enum {
	WRITE_PIECE = 65536,
	FIRST_ROOM = 8,
	ADDRESS_MAX = 1024
};

/* "LENGTH:bytes\n" off the front of *rest. */
static bool
take_address(struct slice *rest, struct slice *out)
{
	struct slice number, tail;
	uint64_t length;

	if (!slice_cut(slice_first(*rest, 8), ':', &number, &tail) ||
	    !slice_u64(number, ADDRESS_MAX, &length))
		return false;
	*rest = slice_from(*rest, number.len + 1);
	if (rest->len < length + 1 || rest->ptr[length] != '\n')
		return false;
	*out = slice_first(*rest, length);
	*rest = slice_from(*rest, length + 1);
	for (size_t i = 0; i < out->len; i++)
		if (!ascii_is_print(out->ptr[i]))
			return false;
	return true;
}

static bool
add_recipient(struct drop *drop, struct arena *arena, size_t *room,
    struct slice recipient)
{
	struct slice *fresh;

	if (drop->recipient_count >= LIMIT_SMTP_RECIPIENTS)
		return false;
	if (drop->recipient_count == *room) {
		*room = *room == 0 ? FIRST_ROOM : *room * 2;
		fresh = arena_alloc(arena, *room * sizeof(*fresh));
		if (fresh == NULL)
			return false;
		if (drop->recipient_count > 0)
			memcpy(fresh, drop->recipients,
			    drop->recipient_count * sizeof(*fresh));
		drop->recipients = fresh;
	}
	drop->recipients[drop->recipient_count++] = recipient;
	return true;
}

bool
drop_parse(
    struct slice bytes, struct arena *arena, struct drop *out, struct why *why)
{
	struct slice rest, recipient;
	size_t room = 0;

	memset(out, 0, sizeof(*out));
	if (!slice_starts(bytes, magic))
		return why_set(why, "not a drop file");
	rest = slice_from(bytes, magic.len);
	if (!slice_starts(rest, S("S")))
		return why_set(why, "no sender");
	rest = slice_from(rest, 1);
	if (!take_address(&rest, &out->sender))
		return why_set(why, "malformed sender");
	while (slice_starts(rest, S("R"))) {
		rest = slice_from(rest, 1);
		if (!take_address(&rest, &recipient) || recipient.len == 0)
			return why_set(why, "malformed recipient");
		if (!add_recipient(out, arena, &room, recipient))
			return why_set(why, "more than %d recipients",
			    LIMIT_SMTP_RECIPIENTS);
	}
	if (out->recipient_count == 0)
		return why_set(why, "no recipient");
	if (slice_starts(rest, S("B8\n"))) {
		out->is_8bit = true;
		rest = slice_from(rest, 3);
	}
	if (!slice_starts(rest, S("M\n")))
		return why_set(why, "envelope has no end");
	out->message_offset = (size_t)(rest.ptr - bytes.ptr) + 2;
	return true;
}

static bool
put_address(struct buf *out, char type, struct slice address)
{
	for (size_t i = 0; i < address.len; i++)
		if (!ascii_is_print(address.ptr[i]))
			return false;
	return address.len <= ADDRESS_MAX &&
	       buf_add_format(out, "%c%zu:", type, address.len) &&
	       buf_add(out, address) && buf_add_char(out, '\n');
}

bool
drop_format(const struct drop *drop, struct buf *out)
{
	bool ok = buf_add(out, magic) && put_address(out, 'S', drop->sender);

	for (size_t i = 0; ok && i < drop->recipient_count; i++)
		ok = put_address(out, 'R', drop->recipients[i]);
	if (ok && drop->is_8bit)
		ok = buf_add_string(out, "B8\n");
	return ok && buf_add_string(out, "M\n");
}

bool
drop_name_is_valid(struct slice name)
{
	return name.len == SPOOL_ID_LENGTH + 1 && name.ptr[0] == 'd' &&
	       spool_id_is_valid(slice_from(name, 1));
}

struct drop_writer {
	int directory_fd; /* a path: it cannot be read by everybody */
	int fd;
	char name[DROP_NAME_SIZE + 1]; /* ".ID", then "dID" */
	bool is_committed;
	struct buf pending;
};

struct drop_writer *
drop_writer_open(const struct settings *settings, struct why *why)
{
	struct drop_writer *w = alloc_zero(1, sizeof(*w));
	char path[4096];

	w->fd = -1;
	buf_init(&w->pending, 2 * WRITE_PIECE);
	snprintf(path, sizeof(path), "%s/drop", settings->queue_directory);
	w->directory_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w->directory_fd < 0) {
		why_errno(why, "%s", path);
		drop_writer_close(&w);
		return NULL;
	}
	w->name[0] = '.';
	spool_id_make(w->name + 1);
	/* The directory gives the group _mpqueue, which may read. */
	w->fd = openat(w->directory_fd, w->name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	fault_point("S1");
	if (w->fd >= 0 && fchmod(w->fd, 0640) == 0)
		return w;
	why_errno(why, "create a file in %s", path);
	drop_writer_close(&w);
	return NULL;
}

static bool
write_pending(struct drop_writer *w, struct why *why)
{
	bool ok = fs_write_all(w->fd, buf_slice(&w->pending), why);

	buf_clear(&w->pending);
	fault_point("S2");
	return ok;
}

bool
drop_writer_write(struct drop_writer *w, struct slice bytes, struct why *why)
{
	struct slice piece;

	while (bytes.len > 0) {
		if (w->pending.len >= WRITE_PIECE && !write_pending(w, why))
			return false;
		piece = slice_first(bytes, WRITE_PIECE);
		buf_add(&w->pending, piece);
		bytes = slice_from(bytes, piece.len);
	}
	return true;
}

/* The directory cannot be opened for a sync by everybody; then a second sync
 * of the file takes its new name along on journaling file systems. */
static bool
sync_name(const struct drop_writer *w)
{
	int fd =
	    openat(w->directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return fsync(w->fd) == 0;
	ok = fs_sync_directory(fd);
	close(fd);
	return ok;
}

bool
drop_writer_commit(struct drop_writer *w, struct why *why)
{
	char name[DROP_NAME_SIZE + 1];

	if (!write_pending(w, why))
		return false;
	if (fsync(w->fd) < 0)
		return why_errno(why, "fsync");
	fault_point("S3");
	memcpy(name, w->name, sizeof(name));
	name[0] = 'd';
	if (renameat(w->directory_fd, w->name, w->directory_fd, name) < 0)
		return why_errno(why, "rename");
	fault_point("S4");
	w->name[0] = 'd';
	if (!sync_name(w))
		return why_errno(why, "fsync");
	fault_point("S5");
	w->is_committed = true;
	return true;
}

void
drop_writer_close(struct drop_writer **writer)
{
	struct drop_writer *w = *writer;

	if (w->fd >= 0 && !w->is_committed)
		(void)unlinkat(w->directory_fd, w->name, 0);
	if (w->fd >= 0)
		close(w->fd);
	if (w->directory_fd >= 0)
		close(w->directory_fd);
	buf_free(&w->pending);
	alloc_release(w);
	*writer = NULL;
}

const char *
drop_writer_id(const struct drop_writer *w)
{
	return w->name + 1;
}
