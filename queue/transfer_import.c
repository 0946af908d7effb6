/* SPDX-License-Identifier: ISC */
/* The way in. */
#include "config.h"

#include "queue/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/arena.h"
#include "common/buf.h"
#include "common/fsutil.h"
#include "common/spoolfile.h"

#include "queue/edit.h"
#include "queue/journal.h"
#include "queue/reason.h"

#define MESSAGE_ARENA (64 * 1024 * 1024)
#define LINE_MAX_SIZE 80
#define PIECE         8192
#define CAME          "imported"

struct import {
	const struct transfer *transfer;
	FILE *in;
	struct journal *journal;
	struct arena *arena;
	struct buf reasons;
	/* That came before. */
	char (*known)[SPOOL_ID_SIZE];
	size_t known_count, known_size;
	size_t count;
};

struct heading {
	char id[SPOOL_ID_SIZE];
	uint64_t length, reasons;
};

static bool
keep_known(void *context, const struct journal_record *record)
{
	struct import *import = context;

	if (!slice_starts(record->text, S(CAME)))
		return true;
	if (import->known_count == import->known_size) {
		import->known_size =
		    import->known_size == 0 ? 256 : 2 * import->known_size;
		import->known = alloc_resize(
		    import->known, import->known_size, SPOOL_ID_SIZE);
	}
	memcpy(import->known[import->known_count++], record->id, SPOOL_ID_SIZE);
	return true;
}

static int
compare_ids(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool
is_known(const struct import *import, const char *id)
{
	return import->known_count > 0 &&
	       bsearch(id, import->known, import->known_count, SPOOL_ID_SIZE,
		   compare_ids) != NULL;
}

static bool
read_line(FILE *in, char line[LINE_MAX_SIZE], struct slice *out)
{
	if (fgets(line, LINE_MAX_SIZE, in) == NULL)
		return false;
	*out = slice_of(line);
	if (out->len == 0 || out->ptr[out->len - 1] != '\n')
		return false;
	*out = slice_first(*out, out->len - 1);
	return true;
}

static bool
parse_heading(struct slice line, struct heading *heading)
{
	struct slice id, length;

	return slice_cut(line, ' ', &id, &line) &&
	       slice_cut(line, ' ', &length, &line) && spool_id_is_valid(id) &&
	       slice_to_array(id, heading->id, sizeof(heading->id)) &&
	       slice_u64(length, INT64_MAX, &heading->length) &&
	       slice_u64(line, REASON_FILE_MAX, &heading->reasons);
}

/* From the stream into fd, else into buf, else away. */
static bool
read_bytes(struct import *import, uint64_t length, int fd, struct buf *buf,
    struct why *why)
{
	char bytes[PIECE];
	struct slice piece;

	while (length > 0) {
		piece = slice_make(bytes,
		    fread(bytes, 1,
			length < sizeof(bytes) ? (size_t)length : sizeof(bytes),
			import->in));
		if (piece.len == 0)
			return why_set(why, "the stream is cut short");
		if (fd >= 0 && !fs_write_all(fd, piece, why))
			return false;
		if (buf != NULL)
			buf_add(buf, piece);
		length -= piece.len;
	}
	return true;
}

static bool
copy_body(struct spool_writer *writer, int fd,
    const struct spool_message *message, struct why *why)
{
	char bytes[PIECE];
	size_t n;

	for (uint64_t at = 0; at < message->body_length; at += n) {
		n = message->body_length - at < sizeof(bytes)
			? (size_t)(message->body_length - at)
			: sizeof(bytes);
		if (!fs_read_at(fd, bytes, n, message->body_offset + at, why) ||
		    !spool_writer_body(writer, slice_make(bytes, n), why))
			return false;
	}
	return true;
}

/* RESULT_NEVER: the id is taken. */
static enum result
write_message(const struct import *import, int fd,
    struct spool_message *message, struct why *why)
{
	struct spool_writer *writer =
	    spool_writer_open(import->transfer->spool_fd, why);
	char id[SPOOL_ID_SIZE];
	enum result result = RESULT_LATER;

	/* No attempt of this host had begun. */
	message->schedule.flags &= ~(uint32_t)SCHEDULE_IN_FLIGHT;
	if (writer != NULL && spool_writer_set_id(writer, message->id) &&
	    spool_writer_envelope(writer, message, why) &&
	    spool_writer_schedule(writer, &message->schedule, why) &&
	    copy_body(writer, fd, message, why)) {
		if (spool_writer_commit(writer, message->id, id, why))
			result = RESULT_OK;
		else if (why->error == EEXIST)
			result = RESULT_NEVER;
	}
	spool_writer_close(&writer);
	return result;
}

static void
tell(const struct import *import, const char *id, enum transfer_outcome outcome,
    const char *why)
{
	import->transfer->each(import->transfer->context, id, outcome, why);
}

/* The reasons are there before the message is seen. */
static bool
take_message(struct import *import, int fd, const char *id, struct why *why)
{
	int spool_fd = import->transfer->spool_fd;
	struct spool_message message;
	enum result result = spool_read(fd, id, import->arena, &message, why);

	if (result == RESULT_OK)
		result = spool_verify(fd, why);
	if (result == RESULT_NEVER) {
		tell(import, id, TRANSFER_REFUSED, why->text);
		return true;
	}
	if (result != RESULT_OK)
		return false;
	if (import->reasons.len > 0)
		reason_put(spool_fd, id, buf_slice(&import->reasons));
	result = write_message(import, fd, &message, why);
	if (result == RESULT_LATER)
		return false;
	if (result == RESULT_NEVER) {
		tell(import, id, TRANSFER_KNOWN, "");
		return true;
	}
	edit_announce(spool_fd, id);
	journal_add(import->journal, id, S(CAME));
	journal_flush(import->journal, (uint64_t)time(NULL));
	tell(import, id,
	    (message.schedule.flags & SCHEDULE_HOLD) != 0 ? TRANSFER_TAKEN_HELD
							  : TRANSFER_TAKEN,
	    "");
	return true;
}

static bool
is_queued(const struct import *import, const char *id)
{
	char path[SPOOL_PATH_SIZE];
	struct stat status;

	spool_path(id, path);
	return fstatat(import->transfer->spool_fd, path, &status,
		   AT_SYMLINK_NOFOLLOW) == 0;
}

static bool
import_one(
    struct import *import, const struct heading *heading, struct why *why)
{
	const struct transfer *transfer = import->transfer;
	int fd;
	bool ok;

	if (is_known(import, heading->id) || is_queued(import, heading->id)) {
		ok = read_bytes(
		    import, heading->length + heading->reasons, -1, NULL, why);
		if (ok)
			tell(import, heading->id, TRANSFER_KNOWN, "");
		return ok;
	}
	if (!spool_has_room(transfer->spool_fd, transfer->minimum_free, why))
		return false;
	fd = openat(
	    transfer->spool_fd, "queue", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return why_errno(why, "file in the spool");
	arena_reset(import->arena);
	buf_clear(&import->reasons);
	ok = read_bytes(import, heading->length, fd, NULL, why) &&
	     read_bytes(import, heading->reasons, -1, &import->reasons, why) &&
	     take_message(import, fd, heading->id, why);
	close(fd);
	return ok;
}

static bool
import_all(struct import *import, struct why *why)
{
	struct heading heading;
	char line[LINE_MAX_SIZE];
	struct slice text;
	uint64_t count;

	if (!read_line(import->in, line, &text) ||
	    !slice_eq(text, S("MERPATI-QUEUE 1")))
		return why_set(why, "this is nothing that mailq export wrote");
	for (; read_line(import->in, line, &text); import->count++) {
		if (slice_starts(text, S("END ")))
			return (slice_u64(
				    slice_from(text, 4), SIZE_MAX, &count) &&
				   count == import->count) ||
			       why_set(why, "the stream is not whole");
		if (!parse_heading(text, &heading))
			return why_set(why,
			    "message %zu: no \"ID LENGTH "
			    "REASONS\"",
			    import->count + 1);
		if (!import_one(import, &heading, why))
			return false;
	}
	return why_set(why, "the stream is cut short");
}

bool
transfer_import(const struct transfer *transfer, FILE *in, struct why *why)
{
	struct import import = { .transfer = transfer,
		.in = in,
		.journal =
		    journal_new(transfer->spool_fd, transfer->journal_life),
		.arena = arena_new("import", MESSAGE_ARENA) };
	bool ok;

	buf_init(&import.reasons, REASON_FILE_MAX);
	ok = journal_read(transfer->spool_fd, keep_known, &import, why);
	if (import.known_count > 0)
		qsort(import.known, import.known_count, SPOOL_ID_SIZE,
		    compare_ids);
	ok = ok && import_all(&import, why);
	journal_free(&import.journal);
	alloc_release(import.known);
	buf_free(&import.reasons);
	arena_free(&import.arena);
	return ok;
}
