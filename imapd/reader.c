/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/reader.h"

#define KEEP_MAX 16384

void
reader_init(struct reader *reader, size_t ceiling, size_t literals)
{
	*reader = (struct reader){ .ceiling = ceiling };
	buf_init(&reader->command, ceiling + literals + 4);
}

void
reader_free(struct reader *reader)
{
	buf_free(&reader->command);
}

void
reader_trim(struct reader *reader)
{
	size_t ceiling = reader->command.ceiling;

	if (!reader->is_whole || reader->command.size <= KEEP_MAX)
		return;
	buf_free(&reader->command);
	buf_init(&reader->command, ceiling);
}

static void
reader_begin(struct reader *reader)
{
	buf_clear(&reader->command);
	reader->line_bytes = 0;
	reader->is_whole = false;
}

/* "{123}" or "{123+}" at the end of the line. */
static bool
line_literal(struct slice line, uint64_t *size, bool *is_synchronous)
{
	size_t open = slice_last_index(line, '{');
	struct slice number;

	if (open == line.len || line.ptr[line.len - 1] != '}')
		return false;
	number = slice_from(line, open + 1);
	number.len--;
	*is_synchronous = !slice_ends(number, S("+"));
	if (!*is_synchronous)
		number.len--;
	return slice_u64(number, UINT32_MAX, size);
}

static enum reader_status
reader_end_line(struct reader *reader)
{
	struct buf *command = &reader->command;

	if (command->len > 0 && command->ptr[command->len - 1] == '\r')
		command->len--;
	if (line_literal(buf_slice(command), &reader->literal_size,
		&reader->is_synchronous)) {
		reader->remaining = reader->literal_size;
		reader->mode = READ_DECIDE;
		return READER_LITERAL;
	}
	if (reader->is_skipping) {
		reader->is_skipping = false;
		reader_begin(reader);
		return READER_MORE;
	}
	reader->is_whole = true;
	return READER_COMMAND;
}

static enum reader_status
reader_line(struct reader *reader, struct slice *input)
{
	size_t end = slice_index(*input, '\n');
	bool has_end = end < input->len;

	reader->line_bytes += end;
	if (reader->line_bytes > reader->ceiling)
		return READER_TOO_LONG;
	buf_add(&reader->command, slice_first(*input, end));
	*input = slice_from(*input, has_end ? end + 1 : end);
	return has_end ? reader_end_line(reader) : READER_MORE;
}

/* A refused command goes on: its later literals are skipped as well. A
 * synchronising one never comes, so the command ends there. */
static enum reader_status
reader_skip_on(struct reader *reader)
{
	reader->mode = READ_LINE;
	if (reader->is_synchronous) {
		reader->is_skipping = false;
		reader_begin(reader);
		return READER_MORE;
	}
	reader->is_skipping = true;
	buf_clear(&reader->command);
	reader->line_bytes = 0;
	reader->mode = reader->remaining > 0 ? READ_SKIP : READ_LINE;
	return READER_MORE;
}

static enum reader_status
reader_literal(struct reader *reader, struct slice *input, struct slice *data)
{
	struct slice part = *input;

	if (part.len > reader->remaining)
		part.len = (size_t)reader->remaining;
	if (reader->mode == READ_COLLECT)
		buf_add(&reader->command, part);
	*data = part;
	*input = slice_from(*input, part.len);
	reader->remaining -= part.len;
	if (reader->mode == READ_STREAM && part.len > 0)
		return READER_DATA;
	if (reader->remaining > 0)
		return READER_MORE;
	if (reader->mode == READ_STREAM) {
		reader->mode = READ_LINE;
		return READER_STREAMED;
	}
	reader->mode = READ_LINE;
	return READER_MORE;
}

enum reader_status
reader_next(struct reader *reader, struct slice *input, struct slice *data)
{
	enum reader_status status;

	if (reader->is_whole)
		reader_begin(reader);
	for (;;) {
		if (reader->mode == READ_LINE && input->len == 0)
			return READER_MORE;
		if (reader->mode == READ_LINE)
			status = reader_line(reader, input);
		else
			status = reader_literal(reader, input, data);
		if (status == READER_LITERAL && reader->is_skipping)
			status = reader_skip_on(reader);
		if (status != READER_MORE)
			return status;
		if (input->len == 0 &&
		    !(reader->mode != READ_LINE && reader->remaining == 0))
			return READER_MORE;
	}
}

bool
reader_collect(struct reader *reader)
{
	struct buf *command = &reader->command;

	if (reader->literal_size > command->ceiling - command->len ||
	    command->ceiling - command->len - reader->literal_size <
		reader->ceiling - reader->line_bytes + 2)
		return false;
	buf_add(command, S("\r\n"));
	reader->mode = reader->remaining > 0 ? READ_COLLECT : READ_LINE;
	return true;
}

void
reader_stream(struct reader *reader)
{
	buf_clear(&reader->command);
	reader->line_bytes = 0;
	reader->mode = READ_STREAM;
}

void
reader_refuse(struct reader *reader)
{
	(void)reader_skip_on(reader);
}
