/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/buf.h"
#include "common/crc32c.h"
#include "common/fault.h"
#include "common/fsutil.h"
#include "common/limits.h"
#include "common/spool_layout.h"
#include "common/spool_options.h"
#include "common/spoolfile.h"

enum {
	WRITE_PIECE = 65536,
	NAME_SIZE = SPOOL_ID_SIZE + 1,
	MINIMUM_INODES = 1000
};

struct spool_writer {
	int spool_fd;  /* the caller's */
	int bucket_fd; /* directory that holds name */
	int fd;        /* -1 until the first piece is written */
	char id[SPOOL_ID_SIZE];
	char name[NAME_SIZE]; /* as in the bucket now; "" before creation */
	bool is_committed;
	bool is_relaxed;
	struct buf pending; /* not yet written */
	uint64_t body_offset;
	uint64_t body_length;
	uint32_t crc;
};

bool
spool_has_room(int spool_fd, uint64_t minimum_free, struct why *why)
{
	struct statvfs fs;

	if (fstatvfs(spool_fd, &fs) < 0)
		return why_errno(why, "statvfs of the spool");
	if ((uint64_t)fs.f_bavail * fs.f_frsize >= minimum_free &&
	    (fs.f_files == 0 || fs.f_favail >= MINIMUM_INODES))
		return true;
	errno = ENOSPC;
	return why_errno(why, "spool is below its reserve");
}

struct spool_writer *
spool_writer_open(int spool_fd, struct why *why)
{
	struct spool_writer *writer;

	if (spool_fd < 0) {
		why_set(why, "spool is not open");
		return NULL;
	}
	writer = alloc_zero(1, sizeof(*writer));
	writer->spool_fd = spool_fd;
	writer->bucket_fd = -1;
	writer->fd = -1;
	buf_init(&writer->pending,
	    LIMIT_SPOOL_ENVELOPE + 2 * SPOOL_PAGE + 2 * WRITE_PIECE);
	spool_id_make(writer->id);
	return writer;
}

void
spool_writer_relax(struct spool_writer *writer)
{
	writer->is_relaxed = true;
}

bool
spool_writer_set_id(struct spool_writer *writer, const char *id)
{
	if (writer->fd >= 0 || !spool_id_is_valid(slice_of(id)))
		return false;
	memcpy(writer->id, id, SPOOL_ID_SIZE);
	return true;
}

const char *
spool_writer_id(const struct spool_writer *writer)
{
	return writer->id;
}

uint64_t
spool_writer_body_length(const struct spool_writer *writer)
{
	return writer->body_length;
}

/* Control bytes never get into an envelope: logs, DSNs and other programs
 * print what is here. */
static bool
put_record(struct buf *out, char type, struct slice s)
{
	char header[RECORD_HEADER] = { type };

	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return false;
	spool_put(header + 1, s.len, 4);
	return buf_add(out, slice_make(header, sizeof(header))) &&
	       buf_add(out, s);
}

/* Left out when empty: then it is the default. */
static bool
put_optional(struct buf *out, char type, struct slice s)
{
	return s.len == 0 || put_record(out, type, s);
}

static bool
put_message_options(struct buf *out, const struct mail_options *options)
{
	char text[SPOOL_OPTIONS_SIZE];

	if (!mail_options_are_valid(options))
		return false;
	spool_options_format(options, text);
	return put_optional(out, 'I', options->envelope_id) &&
	       put_optional(out, 'O', slice_of(text));
}

static bool
put_recipient_options(struct buf *out, const struct rcpt_options *options)
{
	char text[SPOOL_OPTIONS_SIZE];

	if (!rcpt_options_are_valid(options))
		return false;
	spool_notify_format(options->notify, text);
	return put_optional(out, 'n', slice_of(text)) &&
	       put_optional(out, 'r', options->original);
}

static bool
put_recipient(struct buf *out, const struct spool_recipient *recipient)
{
	char header[RECORD_HEADER] = { 'R' };
	size_t start = out->len;
	bool ok = buf_add(out, slice_make(header, sizeof(header))) &&
		  put_record(out, 'a', recipient->address) &&
		  put_record(out, 'o', recipient->original) &&
		  put_record(out, 'g', recipient->argument) &&
		  put_record(out, 'e', recipient->extension) &&
		  put_record(out, 'u', slice_of(recipient->user.name)) &&
		  put_recipient_options(out, &recipient->options);

	if (ok)
		spool_put(
		    out->ptr + start + 1, out->len - start - RECORD_HEADER, 4);
	return ok;
}

static bool
put_envelope(struct buf *out, const struct spool_message *message, char *slots)
{
	size_t before;
	char *slot = slots;

	if (!put_record(out, 'S', message->sender) ||
	    !put_record(out, 'L', message->login) ||
	    !put_record(out, 'H', message->helo) ||
	    !put_record(out, 'P', message->peer) ||
	    !put_message_options(out, &message->options))
		return false;
	for (size_t i = 0; i < message->recipient_count; i++) {
		before = out->len;
		if (!put_recipient(out, &message->recipients[i]))
			return false;
		slot[SLOT_STATUS] = message->recipients[i].status;
		slot[SLOT_KIND] = message->recipients[i].kind;
		spool_put(slot + SLOT_OFFSET, before + RECORD_HEADER, 4);
		spool_put(
		    slot + SLOT_LENGTH, out->len - before - RECORD_HEADER, 4);
		slot += SPOOL_SLOT_SIZE;
	}
	return true;
}

static uint32_t
crc_of_slots(uint32_t crc, const char *slots, size_t count)
{
	for (size_t i = 0; i < count; i++)
		crc = crc32c(
		    crc, slots + i * SPOOL_SLOT_SIZE + 1, SPOOL_SLOT_SIZE - 1);
	return crc;
}

/* Header page: header, empty schedule, slots, envelope, padding. */
static bool
put_header(struct spool_writer *writer, const struct spool_message *message,
    struct slice slots, struct slice envelope)
{
	char page[SPOOL_SLOTS_OFFSET] = SPOOL_MAGIC;
	char *schedule = page + SPOOL_SCHEDULE_OFFSET, *padding;
	size_t used = SPOOL_SLOTS_OFFSET + slots.len + envelope.len;
	size_t offset = (used + SPOOL_PAGE - 1) / SPOOL_PAGE * SPOOL_PAGE;
	uint32_t crc = crc_of_slots(0, slots.ptr, message->recipient_count);

	spool_put(page + HEADER_VERSION, SPOOL_VERSION, 4);
	spool_put(page + HEADER_FLAGS, message->flags, 4);
	spool_put(page + HEADER_CREATED, message->created, 8);
	spool_put(page + HEADER_COUNT, message->recipient_count, 4);
	spool_put(page + HEADER_ENVELOPE, envelope.len, 4);
	spool_put(page + HEADER_BODY, offset, 8);
	writer->body_offset = offset;
	crc = crc32c(crc, envelope.ptr, envelope.len);
	spool_put(page + HEADER_ENVELOPE_CRC, crc, 4);
	spool_put(page + SPOOL_CRC_AT, crc32c(0, page, SPOOL_CRC_AT), 4);
	spool_put(
	    schedule + SPOOL_CRC_AT, crc32c(0, schedule, SPOOL_CRC_AT), 4);

	writer->crc = crc32c(0, page, SPOOL_HEADER_SIZE);
	writer->crc =
	    crc_of_slots(writer->crc, slots.ptr, message->recipient_count);
	writer->crc = crc32c(writer->crc, envelope.ptr, envelope.len);
	if (!buf_add(&writer->pending, slice_make(page, sizeof(page))) ||
	    !buf_add(&writer->pending, slots) ||
	    !buf_add(&writer->pending, envelope))
		return false;
	padding = buf_reserve(&writer->pending, offset - used);
	if (padding == NULL)
		return false;
	memset(padding, 0, offset - used);
	buf_commit(&writer->pending, offset - used);
	return true;
}

bool
spool_writer_envelope(struct spool_writer *writer,
    const struct spool_message *message, struct why *why)
{
	struct buf envelope;
	size_t size = message->recipient_count * SPOOL_SLOT_SIZE;
	char *slots;
	bool ok;

	BUG_UNLESS(writer->pending.len == 0 && writer->fd < 0);
	if (message->recipient_count == 0 ||
	    message->recipient_count > SPOOL_RECIPIENTS_MAX)
		return why_set(why, "bad number of recipients: %zu",
		    message->recipient_count);
	slots = alloc_zero(message->recipient_count, SPOOL_SLOT_SIZE);
	buf_init(&envelope, LIMIT_SPOOL_ENVELOPE - SPOOL_PAGE - size);
	ok = put_envelope(&envelope, message, slots) &&
	     put_header(writer, message, slice_make(slots, size),
		 buf_slice(&envelope));
	buf_free(&envelope);
	alloc_release(slots);
	return ok || why_set(why, "envelope too large or with bad characters");
}

static bool
create_file(struct spool_writer *writer, struct why *why)
{
	char path[SPOOL_PATH_SIZE], name[NAME_SIZE], part[SPOOL_ID_SIZE];

	spool_path(writer->id, path);
	path[sizeof("queue/00") - 1] = '\0';
	writer->bucket_fd =
	    openat(writer->spool_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (writer->bucket_fd < 0)
		return why_errno(why, "open %s", path);
	/* Not the message's own: with a fixed id the leftover of a killed try
	 * would be in the way of the next one. */
	spool_id_make(part);
	snprintf(name, sizeof(name), ".%s", part);
	writer->fd = openat(writer->bucket_fd, name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	fault_point("A1");
	if (writer->fd < 0)
		return why_errno(why, "create %s/%s", path, name);
	memcpy(writer->name, name, sizeof(name));
	if (flock(writer->fd, LOCK_EX | LOCK_NB) < 0)
		return why_errno(why, "lock %s/%s", path, name);
	fault_point("A2");
	return true;
}

static bool
write_pending(struct spool_writer *writer, struct why *why)
{
	if (writer->fd < 0 && !create_file(writer, why))
		return false;
	if (!fs_write_all(writer->fd, buf_slice(&writer->pending), why))
		return false;
	buf_clear(&writer->pending);
	fault_point("A3");
	return true;
}

bool
spool_writer_body(
    struct spool_writer *writer, struct slice bytes, struct why *why)
{
	struct slice piece;

	writer->crc = crc32c(writer->crc, bytes.ptr, bytes.len);
	writer->body_length += bytes.len;
	while (bytes.len > 0) {
		if (writer->pending.len >= WRITE_PIECE &&
		    !write_pending(writer, why))
			return false;
		piece = slice_first(bytes, WRITE_PIECE);
		if (!buf_add(&writer->pending, piece))
			return why_set(why, "envelope too large");
		bytes = slice_from(bytes, piece.len);
	}
	return true;
}

bool
spool_writer_read(struct spool_writer *writer, uint64_t offset, char *bytes,
    size_t length, struct why *why)
{
	if (writer->pending.len > 0 && !write_pending(writer, why))
		return false;
	return fs_read_at(writer->fd, bytes, length,
		   offset + writer->body_offset, why) ||
	       why_context(why, "%s", writer->id);
}

bool
spool_writer_schedule(struct spool_writer *writer,
    const struct spool_schedule *schedule, struct why *why)
{
	if (writer->fd >= 0)
		return spool_write_schedule(writer->fd, schedule, why);
	BUG_UNLESS(writer->pending.len > SPOOL_SLOTS_OFFSET);
	spool_format_schedule(
	    writer->pending.ptr + SPOOL_SCHEDULE_OFFSET, schedule);
	return true;
}

static bool
write_end(struct spool_writer *writer, struct why *why)
{
	char end[SPOOL_END_SIZE] = SPOOL_END_MAGIC;

	spool_put(end + END_BODY_LENGTH, writer->body_length, 8);
	spool_put(end + END_CRC, writer->crc, 4);
	spool_put(end + SPOOL_CRC_AT, crc32c(0, end, SPOOL_CRC_AT), 4);
	if (!buf_add(&writer->pending, slice_make(end, sizeof(end))))
		return why_set(why, "envelope too large");
	if (!write_pending(writer, why))
		return false;
	fault_point("A4");
	return true;
}

/* As renameat2 with RENAME_NOREPLACE, where there is none as well. */
static bool
rename_fresh(int from_fd, const char *from, int to_fd, const char *to)
{
#ifdef HAVE_RENAMEAT2
	if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
#endif
	if (linkat(from_fd, from, to_fd, to, 0) < 0)
		return false;
	(void)unlinkat(from_fd, from, 0);
	return true;
}

/* A fixed id may live in another bucket than the temporary name. */
static bool
move_into_place(struct spool_writer *writer, const char *id, struct why *why)
{
	char path[SPOOL_PATH_SIZE];
	int fd;

	spool_path(id, path);
	path[sizeof("queue/00") - 1] = '\0';
	fd = openat(writer->spool_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return why_errno(why, "open %s", path);
	if (!rename_fresh(writer->bucket_fd, writer->name, fd, id)) {
		why_errno(why, "rename to %s/%s", path, id);
		close(fd);
		return false;
	}
	close(writer->bucket_fd);
	writer->bucket_fd = fd;
	memcpy(writer->name, id, SPOOL_ID_SIZE);
	memcpy(writer->id, id, SPOOL_ID_SIZE);
	return true;
}

static bool
rename_in_bucket(struct spool_writer *writer, struct why *why)
{
	if (!rename_fresh(
		writer->bucket_fd, writer->name, writer->bucket_fd, writer->id))
		return why_errno(why, "rename to %s", writer->id);
	memcpy(writer->name, writer->id, SPOOL_ID_SIZE);
	return true;
}

bool
spool_writer_commit(struct spool_writer *writer, const char *fixed_id,
    char id[SPOOL_ID_SIZE], struct why *why)
{
	bool ok;

	if (!write_end(writer, why))
		return false;
	if (fixed_id != NULL && strcmp(fixed_id, writer->id) != 0)
		ok = move_into_place(writer, fixed_id, why);
	else
		ok = rename_in_bucket(writer, why);
	if (!ok)
		return false;
	fault_point("A5");
	/* Tried once: after a failure the kernel has dropped the pages and a
	 * second fsync would lie. */
	if (fsync(writer->fd) < 0)
		return why_errno(why, "fsync %s", writer->id);
	fault_point("A6");
	if (!writer->is_relaxed && !fs_sync_directory(writer->bucket_fd))
		return why_errno(why, "fsync of the bucket of %s", writer->id);
	fault_point("A7");
	writer->is_committed = true;
	memcpy(id, writer->id, SPOOL_ID_SIZE);
	return true;
}

void
spool_writer_close(struct spool_writer **writer)
{
	struct spool_writer *w = *writer;

	if (w == NULL)
		return;
	if (!w->is_committed && w->name[0] != '\0')
		(void)unlinkat(w->bucket_fd, w->name, 0);
	if (w->fd >= 0)
		close(w->fd);
	if (w->bucket_fd >= 0)
		close(w->bucket_fd);
	buf_free(&w->pending);
	alloc_release(w);
	*writer = NULL;
}
