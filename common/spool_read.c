/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/crc32c.h"
#include "common/fsutil.h"
#include "common/limits.h"
#include "common/spool_layout.h"
#include "common/spool_options.h"
#include "common/spoolfile.h"

enum {
	READ_PIECE = 65536
};

/* The fixed parts of a file, checked one by one. */
struct layout {
	const char *header;
	const char *slots;
	struct slice envelope;
	size_t count;
};

static bool
is_zero(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static bool
crc_is_right(const char *block)
{
	return spool_get(block + SPOOL_CRC_AT, 4) ==
	       crc32c(0, block, SPOOL_CRC_AT);
}

static bool
check_header(const char *header, uint64_t file_size, struct why *why)
{
	uint64_t offset = spool_get(header + HEADER_BODY, 8);
	uint64_t count = spool_get(header + HEADER_COUNT, 4);
	uint64_t used = SPOOL_SLOTS_OFFSET + count * SPOOL_SLOT_SIZE +
			spool_get(header + HEADER_ENVELOPE, 4);

	if (memcmp(header, SPOOL_MAGIC, SPOOL_MAGIC_SIZE) != 0)
		return why_set(why, "not a queue file: wrong magic");
	if (!crc_is_right(header))
		return why_set(why, "header is damaged: wrong checksum");
	if (spool_get(header + HEADER_VERSION, 4) != SPOOL_VERSION)
		return why_set(why, "unknown version of the queue file");
	if (!is_zero(header + HEADER_USED, SPOOL_CRC_AT - HEADER_USED))
		return why_set(why, "header has unknown fields");
	if (count == 0 || count > SPOOL_RECIPIENTS_MAX)
		return why_set(why, "bad number of recipients");
	if (offset > LIMIT_SPOOL_ENVELOPE + SPOOL_PAGE || used > offset ||
	    offset - used >= SPOOL_PAGE || offset % SPOOL_PAGE != 0)
		return why_set(why, "bad envelope length");
	if (file_size < offset + SPOOL_END_SIZE)
		return why_set(why, "queue file is cut short");
	return true;
}

static bool
check_end(
    const char *end, uint64_t body_offset, uint64_t file_size, struct why *why)
{
	if (memcmp(end, SPOOL_END_MAGIC, SPOOL_MAGIC_SIZE) != 0)
		return why_set(why, "no END record: never acknowledged");
	if (!crc_is_right(end) ||
	    !is_zero(end + END_USED, SPOOL_CRC_AT - END_USED))
		return why_set(why, "END record is damaged");
	if (spool_get(end + END_BODY_LENGTH, 8) !=
	    file_size - SPOOL_END_SIZE - body_offset)
		return why_set(why, "wrong body length in the END record");
	return true;
}

/* pages: everything before the body; its header was checked. */
static bool
find_layout(struct slice pages, struct layout *layout, struct why *why)
{
	size_t used;
	uint32_t crc = 0;

	layout->header = pages.ptr;
	layout->slots = pages.ptr + SPOOL_SLOTS_OFFSET;
	layout->count = spool_get(pages.ptr + HEADER_COUNT, 4);
	used = SPOOL_SLOTS_OFFSET + layout->count * SPOOL_SLOT_SIZE;
	layout->envelope = slice_first(
	    slice_from(pages, used), spool_get(pages.ptr + HEADER_ENVELOPE, 4));
	used += layout->envelope.len;
	for (size_t i = 0; i < layout->count; i++)
		crc = crc32c(crc, layout->slots + i * SPOOL_SLOT_SIZE + 1,
		    SPOOL_SLOT_SIZE - 1);
	crc = crc32c(crc, layout->envelope.ptr, layout->envelope.len);
	if (crc != spool_get(pages.ptr + HEADER_ENVELOPE_CRC, 4))
		return why_set(why, "envelope is damaged: wrong checksum");
	if (!is_zero(pages.ptr + used, pages.len - used))
		return why_set(why, "padding is not empty");
	return true;
}

/* One record of this type off the front of *rest. */
static bool
take_record(struct slice *rest, char type, struct slice *out)
{
	uint64_t length;

	if (rest->len < RECORD_HEADER || rest->ptr[0] != type)
		return false;
	length = spool_get(rest->ptr + 1, 4);
	*rest = slice_from(*rest, RECORD_HEADER);
	if (length > rest->len)
		return false;
	*out = slice_first(*rest, length);
	*rest = slice_from(*rest, length);
	for (size_t i = 0; i < out->len; i++)
		if ((unsigned char)out->ptr[i] < 0x20 || out->ptr[i] == 0x7f)
			return false;
	return true;
}

/* A record that may not be there; when it is, it is not empty. */
static bool
take_optional(struct slice *rest, char type, struct slice *out)
{
	*out = S("");
	if (rest->len == 0 || rest->ptr[0] != type)
		return true;
	return take_record(rest, type, out) && out->len > 0;
}

static bool
parse_message_options(struct slice *rest, struct mail_options *options)
{
	struct slice id, text;

	if (!take_optional(rest, 'I', &id) || !take_optional(rest, 'O', &text))
		return false;
	options->envelope_id = id;
	return text.len == 0 ? mail_options_are_valid(options)
			     : spool_options_parse(text, options);
}

static bool
parse_recipient_options(struct slice *rest, struct rcpt_options *options)
{
	struct slice notify;

	options->notify = 0;
	if (!take_optional(rest, 'n', &notify) ||
	    !take_optional(rest, 'r', &options->original))
		return false;
	return (notify.len == 0 ||
		   spool_notify_parse(notify, &options->notify)) &&
	       rcpt_options_are_valid(options);
}

static bool
parse_recipient(
    struct slice record, const char *slot, struct spool_recipient *out)
{
	struct slice fields[sizeof(SPOOL_RECIPIENT_RECORDS) - 1];

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!take_record(
			&record, SPOOL_RECIPIENT_RECORDS[i], &fields[i]))
			return false;
	out->status = slot[SLOT_STATUS];
	out->kind = slot[SLOT_KIND];
	out->address = fields[0];
	out->original = fields[1];
	out->argument = fields[2];
	out->extension = fields[3];
	out->user.is_virtual = slice_index(fields[4], '@') < fields[4].len;
	return parse_recipient_options(&record, &out->options) &&
	       record.len == 0 &&
	       slice_to_array(
		   fields[4], out->user.name, sizeof(out->user.name)) &&
	       out->status != '\0' && strchr("TDFBXNR", out->status) != NULL &&
	       out->kind != '\0' && strchr("LRPF", out->kind) != NULL;
}

static bool
parse_recipients(const struct layout *layout, struct slice rest,
    struct spool_message *message)
{
	const char *slot = layout->slots;
	const char *record;

	for (size_t i = 0; i < layout->count; i++) {
		uint64_t length = spool_get(slot + SLOT_LENGTH, 4);

		/* Records stand in the order of their slots, without gap. */
		if (rest.len < RECORD_HEADER || rest.ptr[0] != 'R' ||
		    spool_get(rest.ptr + 1, 4) != length ||
		    length > rest.len - RECORD_HEADER)
			return false;
		record = rest.ptr + RECORD_HEADER;
		if ((uint64_t)(record - layout->envelope.ptr) !=
			spool_get(slot + SLOT_OFFSET, 4) ||
		    !is_zero(slot + 2, 2) || !is_zero(slot + 12, 4) ||
		    !parse_recipient(slice_make(record, length), slot,
			&message->recipients[i]))
			return false;
		rest = slice_from(rest, RECORD_HEADER + length);
		slot += SPOOL_SLOT_SIZE;
	}
	return rest.len == 0;
}

/* A damaged scheduling slot means "try now": it costs an early attempt. */
static void
parse_schedule(const char *slot, struct spool_schedule *out)
{
	memset(out, 0, sizeof(*out));
	if (!crc_is_right(slot))
		return;
	out->attempts = (uint32_t)spool_get(slot + SCHEDULE_ATTEMPTS, 4);
	out->flags = (uint32_t)spool_get(slot + SCHEDULE_FLAGS, 4);
	out->next = spool_get(slot + SCHEDULE_NEXT, 8);
}

static enum result
parse_pages(struct slice pages, struct arena *arena,
    struct spool_message *message, struct why *why)
{
	struct layout layout;
	struct slice rest;

	if (!find_layout(pages, &layout, why))
		return RESULT_NEVER;
	message->flags = (uint32_t)spool_get(pages.ptr + HEADER_FLAGS, 4);
	message->created = spool_get(pages.ptr + HEADER_CREATED, 8);
	message->body_offset = pages.len;
	parse_schedule(pages.ptr + SPOOL_SCHEDULE_OFFSET, &message->schedule);
	rest = layout.envelope;
	message->recipient_count = layout.count;
	message->recipients =
	    arena_alloc(arena, layout.count * sizeof(message->recipients[0]));
	if (message->recipients == NULL) {
		why_set(why, "envelope does not fit into memory");
		return RESULT_LATER;
	}
	if (!take_record(&rest, 'S', &message->sender) ||
	    !take_record(&rest, 'L', &message->login) ||
	    !take_record(&rest, 'H', &message->helo) ||
	    !take_record(&rest, 'P', &message->peer) ||
	    !parse_message_options(&rest, &message->options) ||
	    !parse_recipients(&layout, rest, message)) {
		why_set(why, "envelope is malformed");
		return RESULT_NEVER;
	}
	return RESULT_OK;
}

/* Everything before the body into the arena, and the END record. */
static enum result
read_pages(int fd, uint64_t size, struct arena *arena, struct slice *pages,
    struct why *why)
{
	char first[SPOOL_PAGE], end[SPOOL_END_SIZE], *bytes;
	uint64_t offset;

	if (size < SPOOL_PAGE + SPOOL_END_SIZE) {
		why_set(why, "queue file is cut short");
		return RESULT_NEVER;
	}
	if (!fs_read_at(fd, first, sizeof(first), 0, NULL) ||
	    !fs_read_at(fd, end, sizeof(end), size - sizeof(end), NULL)) {
		why_errno(why, "read of the queue file");
		return RESULT_LATER;
	}
	offset = spool_get(first + HEADER_BODY, 8);
	if (!check_header(first, size, why) ||
	    !check_end(end, offset, size, why))
		return RESULT_NEVER;
	bytes = arena_alloc(arena, offset);
	if (bytes == NULL) {
		why_set(why, "envelope does not fit into memory");
		return RESULT_LATER;
	}
	memcpy(bytes, first, sizeof(first));
	if (!fs_read_at(fd, bytes + sizeof(first), offset - sizeof(first),
		sizeof(first), NULL)) {
		why_errno(why, "read of the queue file");
		return RESULT_LATER;
	}
	*pages = slice_make(bytes, offset);
	return RESULT_OK;
}

static enum result
file_size(int fd, uint64_t *size, struct why *why)
{
	struct stat status;

	if (fstat(fd, &status) < 0) {
		why_errno(why, "fstat of the queue file");
		return RESULT_LATER;
	}
	if (!S_ISREG(status.st_mode)) {
		why_set(why, "not a regular file");
		return RESULT_NEVER;
	}
	*size = (uint64_t)status.st_size;
	return RESULT_OK;
}

enum result
spool_read(int fd, const char *id, struct arena *arena,
    struct spool_message *message, struct why *why)
{
	enum result result;
	struct slice pages = S("");
	uint64_t size;

	memset(message, 0, sizeof(*message));
	if (!slice_to_array(slice_of(id), message->id, sizeof(message->id)) ||
	    !spool_id_is_valid(slice_of(id))) {
		why_set(why, "bad id");
		return RESULT_NEVER;
	}
	result = file_size(fd, &size, why);
	if (result == RESULT_OK)
		result = read_pages(fd, size, arena, &pages, why);
	if (result == RESULT_OK)
		result = parse_pages(pages, arena, message, why);
	if (result != RESULT_OK)
		return result;
	message->file_size = size;
	message->body_length = size - SPOOL_END_SIZE - message->body_offset;
	return RESULT_OK;
}

/* CRC of the header, the slots without status bytes and the envelope. */
static uint32_t
crc_of_pages(struct slice pages)
{
	struct layout layout;
	uint32_t crc = crc32c(0, pages.ptr, SPOOL_HEADER_SIZE);

	(void)find_layout(pages, &layout, NULL);
	for (size_t i = 0; i < layout.count; i++)
		crc = crc32c(crc, layout.slots + i * SPOOL_SLOT_SIZE + 1,
		    SPOOL_SLOT_SIZE - 1);
	return crc32c(crc, layout.envelope.ptr, layout.envelope.len);
}

static enum result
compare_crc(int fd, struct slice pages, uint64_t size, struct why *why)
{
	uint32_t crc = crc_of_pages(pages);
	uint64_t at = pages.len, end = size - SPOOL_END_SIZE;
	char *bytes = alloc_zero(READ_PIECE, 1);
	enum result result = RESULT_OK;
	size_t len;

	while (at < end && result == RESULT_OK) {
		len = end - at < READ_PIECE ? (size_t)(end - at) : READ_PIECE;
		if (!fs_read_at(fd, bytes, len, at, NULL)) {
			why_errno(why, "read of the queue file");
			result = RESULT_LATER;
		}
		crc = crc32c(crc, bytes, len);
		at += len;
	}
	if (result == RESULT_OK &&
	    !fs_read_at(fd, bytes, SPOOL_END_SIZE, end, NULL)) {
		why_errno(why, "read of the queue file's end");
		result = RESULT_LATER;
	} else if (result == RESULT_OK &&
		   crc != spool_get(bytes + END_CRC, 4)) {
		why_set(why, "body is damaged: wrong checksum");
		result = RESULT_NEVER;
	}
	alloc_release(bytes);
	return result;
}

enum result
spool_verify(int fd, struct why *why)
{
	struct arena *arena =
	    arena_new("verify", (size_t)LIMIT_SPOOL_ENVELOPE * 64);
	struct spool_message message = { 0 };
	enum result result;
	struct slice pages = S("");
	uint64_t size;

	result = file_size(fd, &size, why);
	if (result == RESULT_OK)
		result = read_pages(fd, size, arena, &pages, why);
	if (result == RESULT_OK)
		result = parse_pages(pages, arena, &message, why);
	if (result == RESULT_OK)
		result = compare_crc(fd, pages, size, why);
	arena_free(&arena);
	return result;
}

enum result
spool_parse(struct slice file, struct arena *arena,
    struct spool_message *message, struct why *why)
{
	struct slice pages, body;
	const char *end;
	uint64_t offset;
	enum result result;

	memset(message, 0, sizeof(*message));
	if (file.len < SPOOL_PAGE + SPOOL_END_SIZE) {
		why_set(why, "queue file is cut short");
		return RESULT_NEVER;
	}
	end = file.ptr + file.len - SPOOL_END_SIZE;
	offset = spool_get(file.ptr + HEADER_BODY, 8);
	if (!check_header(file.ptr, file.len, why) ||
	    !check_end(end, offset, file.len, why))
		return RESULT_NEVER;
	pages = slice_first(file, offset);
	result = parse_pages(pages, arena, message, why);
	if (result != RESULT_OK)
		return result;
	message->file_size = file.len;
	message->body_length = file.len - SPOOL_END_SIZE - offset;
	body = slice_first(slice_from(file, offset), message->body_length);
	if (crc32c(crc_of_pages(pages), body.ptr, body.len) !=
	    spool_get(end + END_CRC, 4)) {
		why_set(why, "body is damaged: wrong checksum");
		return RESULT_NEVER;
	}
	return RESULT_OK;
}

bool
spool_mark(int fd, size_t recipient, char status, struct why *why)
{
	off_t at = (off_t)(SPOOL_SLOTS_OFFSET + recipient * SPOOL_SLOT_SIZE);

	return fs_write_at(fd, slice_make(&status, 1), at, why);
}

void
spool_format_schedule(
    char slot[SPOOL_HEADER_SIZE], const struct spool_schedule *schedule)
{
	memset(slot, 0, SPOOL_HEADER_SIZE);
	spool_put(slot + SCHEDULE_ATTEMPTS, schedule->attempts, 4);
	spool_put(slot + SCHEDULE_FLAGS, schedule->flags, 4);
	spool_put(slot + SCHEDULE_NEXT, schedule->next, 8);
	spool_put(slot + SPOOL_CRC_AT, crc32c(0, slot, SPOOL_CRC_AT), 4);
}

bool
spool_write_schedule(
    int fd, const struct spool_schedule *schedule, struct why *why)
{
	char slot[SPOOL_HEADER_SIZE];

	spool_format_schedule(slot, schedule);
	return fs_write_at(
	    fd, slice_make(slot, sizeof(slot)), SPOOL_SCHEDULE_OFFSET, why);
}
