/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/client_reply.h"

#include <stdio.h>
#include <string.h>

void
reply_init(struct reply *reply)
{
	memset(reply, 0, sizeof(*reply));
}

bool
reply_is_empty(const struct reply *reply)
{
	return reply->is_complete ||
	       (reply->line_count == 0 && reply->raw_length == 0);
}

/* The length of "d.ddd.ddd" at the start of text, or 0 (RFC 3463, 2). */
static size_t
enhanced_length(struct slice text)
{
	size_t at = 0, digits;

	for (int part = 0; part < 3; part++) {
		digits = 0;
		if (part > 0) {
			if (at >= text.len || text.ptr[at] != '.')
				return 0;
			at++;
		}
		while (at < text.len && ascii_is_digit(text.ptr[at])) {
			at++;
			digits++;
		}
		if (digits == 0 || digits > (part == 0 ? 1U : 3U))
			return 0;
	}
	return at == text.len || text.ptr[at] == ' ' ? at : 0;
}

static void
reply_set_enhanced(struct reply *reply, struct slice text)
{
	size_t n = enhanced_length(text);

	if (n > 0 && text.ptr[0] - '0' == reply->code / 100) {
		slice_to_array(slice_first(text, n), reply->enhanced,
		    sizeof(reply->enhanced));
		return;
	}
	/* One digit: the reply grammar allows 2, 3, 4 and 5. */
	snprintf(reply->enhanced, sizeof(reply->enhanced), "%u.0.0",
	    (unsigned int)reply->code / 100 % 10);
}

/* Continuation lines repeat code and enhanced code: said once is enough. */
static void
reply_add_text(struct reply *reply, struct slice line)
{
	size_t used = strlen(reply->text);

	if (used == 0)
		used = (size_t)snprintf(
		    reply->text, sizeof(reply->text), "%d", reply->code);
	else
		line = slice_from(line, enhanced_length(line));
	line = slice_trim(line);
	if (line.len == 0 || used + 2 >= sizeof(reply->text))
		return;
	reply->text[used++] = ' ';
	for (size_t i = 0; i < line.len && used + 1 < sizeof(reply->text); i++)
		reply->text[used++] =
		    ascii_is_print(line.ptr[i]) ? line.ptr[i] : '?';
	reply->text[used] = '\0';
}

static bool
reply_code(struct slice line, int *code)
{
	if (line.len < 3 || line.ptr[0] < '2' || line.ptr[0] > '5' ||
	    !ascii_is_digit(line.ptr[1]) || !ascii_is_digit(line.ptr[2]))
		return false;
	*code = (line.ptr[0] - '0') * 100 + (line.ptr[1] - '0') * 10 +
		line.ptr[2] - '0';
	return true;
}

static enum reply_status
reply_line(struct reply *reply)
{
	struct slice line = slice_make(reply->raw, reply->raw_length);
	bool is_last;

	reply->raw_length = 0;
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (++reply->line_count > LIMIT_SMTP_REPLY_LINES ||
	    !reply_code(line, &reply->code))
		return REPLY_BAD;
	is_last = line.len == 3 || line.ptr[3] != '-';
	line = slice_from(line, 4);
	if (!slice_to_array(line, reply->line, sizeof(reply->line)))
		reply->line[0] = '\0';
	reply_add_text(reply, line);
	if (!is_last)
		return REPLY_LINE;
	reply_set_enhanced(reply, line);
	reply->is_complete = true;
	return REPLY_DONE;
}

enum reply_status
reply_next(struct reply *reply, struct slice *input)
{
	size_t end, room;
	bool has_end;

	if (reply->is_complete)
		reply_init(reply);
	if (reply->line_count > LIMIT_SMTP_REPLY_LINES)
		return REPLY_BAD;
	if (input->len == 0)
		return REPLY_MORE;
	end = slice_index(*input, '\n');
	has_end = end < input->len;
	room = sizeof(reply->raw) - reply->raw_length;
	if (room > 0 && end > 0)
		memcpy(reply->raw + reply->raw_length, input->ptr,
		    end < room ? end : room);
	reply->raw_length += end < room ? end : room;
	*input = slice_from(*input, has_end ? end + 1 : end);
	if (!has_end)
		return REPLY_MORE;
	if (reply_line(reply) != REPLY_BAD)
		return reply->is_complete ? REPLY_DONE : REPLY_LINE;
	reply->line_count = LIMIT_SMTP_REPLY_LINES + 1;
	return REPLY_BAD;
}
