/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/mime_walk.h"

#include <string.h>

#include "common/alloc.h"
#include "common/header.h"
#include "common/mime/parameter.h"
#include "common/result.h"

/* Parameters of one header; more than that is no header of a person. */
#define WALK_ARENA (2 * 1024 * 1024)

void
walk_init(struct walk *walk)
{
	memset(walk, 0, sizeof(*walk));
	walk->state = WALK_HEADER;
	walk->is_line_start = walk->is_root = true;
	walk->frames = alloc_zero(LIMIT_MIME_DEPTH, sizeof(*walk->frames));
	walk->arena = arena_new("walk", WALK_ARENA);
	buf_init(&walk->line, WALK_SEGMENT + 1);
	buf_init(&walk->header, LIMIT_HEADER);
}

void
walk_clear(struct walk *walk)
{
	buf_free(&walk->line);
	buf_free(&walk->header);
	arena_free(&walk->arena);
	alloc_release(walk->frames);
	memset(walk, 0, sizeof(*walk));
	walk->is_bad = true;
}

void
walk_finish(struct walk *walk)
{
	walk->is_finished = true;
}

static void
start_segment(struct walk *walk)
{
	if (!walk->is_spent)
		return;
	buf_clear(&walk->line);
	if (walk->has_cr)
		buf_add_char(&walk->line, '\r');
	walk->is_line_start = walk->has_line_end;
	walk->is_spent = walk->has_cr = false;
}

/* A whole line, or as much of one as is looked at together. A CR at its end
 * may be half a line end, so it waits for the next one. */
static bool
take_segment(struct walk *walk, struct slice *input)
{
	struct buf *line = &walk->line;
	struct slice piece;
	size_t end;

	start_segment(walk);
	while (!walk->has_segment && input->len > 0) {
		end = slice_index(*input, '\n') + 1;
		piece = slice_first(*input, end);
		piece = slice_first(piece, WALK_SEGMENT - line->len);
		buf_add(line, piece);
		*input = slice_from(*input, piece.len);
		walk->has_line_end = slice_ends(buf_slice(line), S("\r\n"));
		walk->has_segment =
		    walk->has_line_end || line->len == WALK_SEGMENT;
	}
	if (walk->is_finished && !walk->has_segment && line->len > 0) {
		walk->has_segment = true;
		walk->has_line_end = false;
	} else if (walk->has_segment && !walk->has_line_end &&
		   slice_ends(buf_slice(line), S("\r"))) {
		line->len--;
		walk->has_cr = true;
	}
	return walk->has_segment;
}

static void
spend_segment(struct walk *walk)
{
	walk->has_segment = false;
	walk->is_spent = true;
}

/* The outermost frame whose boundary this line is, or depth. */
static size_t
find_boundary(const struct walk *walk, struct slice line, bool *is_last)
{
	size_t level = 0;
	struct slice rest;

	*is_last = false;
	if (!walk->is_line_start || !slice_starts(line, S("--")))
		return walk->depth;
	for (; level < walk->depth; level++) {
		const struct walk_frame *frame = &walk->frames[level];

		if (frame->is_message ||
		    !slice_starts(slice_from(line, 2),
			slice_make(frame->boundary, frame->length)))
			continue;
		rest = slice_from(line, 2 + frame->length);
		*is_last = slice_starts(rest, S("--"));
		if (slice_trim(slice_from(rest, *is_last ? 2 : 0)).len == 0)
			break;
	}
	return level;
}

static enum walk_event
take_boundary(
    struct walk *walk, size_t level, bool is_last, struct walk_item *item)
{
	item->has_break = walk->has_held;
	item->bytes = buf_slice(&walk->line);
	walk->has_held = false;
	walk->is_root = false;
	walk->is_digest_part = walk->frames[level].is_digest;
	walk->depth = is_last ? level : level + 1;
	walk->state = is_last ? WALK_OUTSIDE : WALK_HEADER;
	spend_segment(walk);
	return WALK_OUTSIDE;
}

static uint32_t
find_enclosing(const struct walk *walk)
{
	for (size_t i = walk->depth; i > 0; i--)
		if (walk->frames[i - 1].is_message)
			return walk->frames[i - 1].entity;
	return WALK_NONE;
}

static enum walk_encoding
encoding_of(struct slice header)
{
	static const struct {
		struct slice name;
		enum walk_encoding encoding;
	} names[] = {
		{ SLICE("7bit"), ENCODING_7BIT },
		{ SLICE("8bit"), ENCODING_8BIT },
		{ SLICE("binary"), ENCODING_BINARY },
		{ SLICE("quoted-printable"), ENCODING_QUOTED },
		{ SLICE("base64"), ENCODING_BASE64 },
	};
	struct header_field field;
	struct slice word, rest;

	if (!header_find(header, S("Content-Transfer-Encoding"), &field))
		return ENCODING_7BIT;
	rest = field.body;
	if (!slice_token(&rest, S(" \t\r\n;("), &word))
		return ENCODING_7BIT;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_eq_nocase(word, names[i].name))
			return names[i].encoding;
	return ENCODING_UNKNOWN;
}

/* Of a Content-Type, what matters here. */
struct content_type {
	struct slice type, subtype, boundary;
};

static bool
find_type(
    struct walk *walk, struct walk_header *header, struct content_type *type)
{
	struct mime_parameter *parameters = NULL;
	struct header_field field;
	struct slice value;

	*type = (struct content_type){ S("text"), S("plain"), S("") };
	if (walk->is_digest_part)
		*type =
		    (struct content_type){ S("message"), S("rfc822"), S("") };
	header->has_version =
	    header_find(buf_slice(&walk->header), S("MIME-Version"), &field);
	header->has_type =
	    header_find(buf_slice(&walk->header), S("Content-Type"), &field);
	if (!header->has_type)
		return true;
	if (!mime_parse_value(field.body, walk->arena, &value, &parameters))
		return false;
	if (slice_cut(value, '/', &type->type, &type->subtype)) {
		type->type = slice_trim(type->type);
		type->subtype = slice_trim(type->subtype);
	}
	type->boundary = mime_parameter_get(parameters, S("boundary"));
	return true;
}

static bool
push_frame(struct walk *walk, const struct content_type *type,
    const struct walk_header *header)
{
	struct walk_frame *frame = &walk->frames[walk->depth];

	if (walk->depth == LIMIT_MIME_DEPTH)
		return false;
	walk->depth++;
	frame->is_message = header->is_message;
	frame->is_digest = slice_eq_nocase(type->subtype, S("digest"));
	frame->entity = header->entity;
	frame->length = 0;
	if (!header->is_message) {
		frame->length = type->boundary.len;
		memcpy(frame->boundary, type->boundary.ptr, type->boundary.len);
	}
	return true;
}

/* What is encoded as a whole cannot be looked into; a multipart without a
 * boundary cannot be encoded either. */
static void
find_kind(struct walk_header *header, const struct content_type *type)
{
	size_t length = type->boundary.len;

	header->is_text = slice_eq_nocase(type->type, S("text"));
	if (header->encoding >= ENCODING_QUOTED)
		return;
	if (slice_eq_nocase(type->type, S("multipart"))) {
		header->is_multipart =
		    length > 0 && length <= WALK_BOUNDARY_MAX;
		if (!header->is_multipart)
			header->encoding = ENCODING_UNKNOWN;
	} else if (slice_eq_nocase(type->type, S("message"))) {
		header->is_message =
		    slice_eq_nocase(type->subtype, S("rfc822")) ||
		    slice_eq_nocase(type->subtype, S("global"));
	}
}

/* What the header says about what follows it. */
static bool
read_header(struct walk *walk, struct walk_header *header)
{
	struct content_type type;

	memset(header, 0, sizeof(*header));
	arena_reset(walk->arena);
	if (walk->entities == LIMIT_MIME_PARTS ||
	    !find_type(walk, header, &type))
		return false;
	header->entity = walk->entities++;
	header->enclosing = find_enclosing(walk);
	header->is_root = walk->is_root;
	header->encoding = encoding_of(buf_slice(&walk->header));
	find_kind(header, &type);
	walk->is_root = header->is_message;
	walk->is_digest_part = false;
	walk->state = header->is_message     ? WALK_HEADER
		      : header->is_multipart ? WALK_OUTSIDE
					     : WALK_BODY;
	return walk->state == WALK_BODY || push_frame(walk, &type, header);
}

static enum walk_event
end_header(struct walk *walk, struct walk_item *item)
{
	if (!read_header(walk, &item->header)) {
		walk->is_bad = true;
		return WALK_BAD;
	}
	item->bytes = buf_slice(&walk->header);
	walk->is_header_spent = true;
	return WALK_HEADER;
}

void
walk_take_as_leaf(struct walk *walk, uint32_t next)
{
	if (walk->state != WALK_BODY)
		walk->depth--;
	walk->state = WALK_BODY;
	walk->is_root = false;
	walk->entities = next;
}

/* WALK_MORE: the line gave nothing yet. */
static enum walk_event
take_header_line(struct walk *walk, struct walk_item *item)
{
	struct slice line = buf_slice(&walk->line);
	bool is_end = walk->is_line_start && slice_eq(line, S("\r\n"));

	if (!buf_add(&walk->header, line)) {
		walk->is_bad = true;
		return WALK_BAD;
	}
	spend_segment(walk);
	return is_end ? end_header(walk, item) : WALK_MORE;
}

static enum walk_event
take_text(struct walk *walk, struct walk_item *item)
{
	item->has_break = walk->has_held;
	item->bytes = slice_first(buf_slice(&walk->line),
	    walk->line.len - (walk->has_line_end ? 2 : 0));
	walk->has_held = walk->has_line_end;
	spend_segment(walk);
	return walk->state;
}

static enum walk_event
take_end(struct walk *walk, struct walk_item *item)
{
	if (!walk->is_finished)
		return WALK_MORE;
	if (walk->state == WALK_HEADER &&
	    (walk->header.len > 0 || walk->entities == 0))
		return end_header(walk, item);
	if (walk->has_held) {
		walk->has_held = false;
		item->has_break = true;
		return walk->state;
	}
	return WALK_END;
}

enum walk_event
walk_next(struct walk *walk, struct slice *input, struct walk_item *item)
{
	enum walk_event event = WALK_MORE;
	bool is_last;
	size_t level;

	memset(item, 0, sizeof(*item));
	if (walk->is_header_spent)
		buf_clear(&walk->header);
	walk->is_header_spent = false;
	while (event == WALK_MORE && !walk->is_bad) {
		if (!walk->has_segment && !take_segment(walk, input))
			return take_end(walk, item);
		level = find_boundary(walk, buf_slice(&walk->line), &is_last);
		if (level < walk->depth && walk->state == WALK_HEADER &&
		    walk->header.len > 0)
			event = end_header(walk, item);
		else if (level < walk->depth)
			event = take_boundary(walk, level, is_last, item);
		else if (walk->state == WALK_HEADER)
			event = take_header_line(walk, item);
		else
			event = take_text(walk, item);
	}
	return walk->is_bad ? WALK_BAD : event;
}
