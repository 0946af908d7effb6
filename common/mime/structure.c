/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mime/structure.h"

#include <string.h>

#include "common/header.h"
#include "common/limits.h"
#include "common/mime/parameter.h"

/* A part whose end is not found yet; a leaf is the last on the stack. */
struct open_part {
	struct mime_part *part;
	struct mime_part **tail; /* where the next child goes */
	struct slice boundary;   /* empty: no multipart, or it has ended */
	size_t first_line;       /* line ends before the body */
};

struct builder {
	struct slice message;
	struct arena *arena;
	struct open_part stack[LIMIT_MIME_DEPTH + 2];
	size_t depth;
	size_t parts;
	size_t lines;   /* line ends seen */
	bool is_opaque; /* LIMIT_MIME_PARTS reached: no more boundaries */
	bool failed;
};

static size_t
count_lines(struct slice s)
{
	size_t count = 0, at;

	while ((at = slice_index(s, '\n')) < s.len) {
		count++;
		s = slice_from(s, at + 1);
	}
	return count;
}

static size_t
line_length(struct slice rest)
{
	size_t at = slice_index(rest, '\n');

	return at < rest.len ? at + 1 : rest.len;
}

/*
 * Level of the multipart whose boundary line is, or builder->depth. A line
 * needs to begin like it only (RFC 2046 section 5.1.1); of several that fit
 * the longest counts.
 */
static size_t
find_boundary(const struct builder *builder, struct slice line, bool *is_last)
{
	size_t level = builder->depth, longest = 0;
	struct slice boundary;

	*is_last = false;
	if (builder->is_opaque || !slice_starts(line, S("--")))
		return level;
	line = slice_from(line, 2);
	for (size_t i = builder->depth; i > 0; i--) {
		boundary = builder->stack[i - 1].boundary;
		if (boundary.len <= longest || !slice_starts(line, boundary))
			continue;
		longest = boundary.len;
		level = i - 1;
		*is_last =
		    slice_starts(slice_from(line, boundary.len), S("--"));
	}
	return level;
}

static bool
take_type(struct mime_part *part, struct slice body, struct arena *arena)
{
	struct slice value, type, subtype;

	if (!mime_parse_value(body, arena, &value, &part->parameters))
		return false;
	if (!slice_cut(value, '/', &type, &subtype) || subtype.len == 0 ||
	    type.len == 0) {
		if (!slice_eq_nocase(type, S("text")))
			part->parameters = NULL;
		type = slice_of("text");
		subtype = slice_of("plain");
	}
	part->type = type;
	part->subtype = subtype;
	return true;
}

static bool
take_encoding(struct mime_part *part, struct slice body, struct arena *arena)
{
	struct mime_parameter *ignored;

	return mime_parse_value(body, arena, &part->encoding, &ignored);
}

static bool
take_disposition(struct mime_part *part, struct slice body, struct arena *arena)
{
	return mime_parse_value(
	    body, arena, &part->disposition, &part->disposition_parameters);
}

static bool
take_id(struct mime_part *part, struct slice body, struct arena *arena)
{
	return mime_unfold(body, arena, &part->id);
}

static bool
take_description(struct mime_part *part, struct slice body, struct arena *arena)
{
	return mime_unfold(body, arena, &part->description);
}

static bool
take_language(struct mime_part *part, struct slice body, struct arena *arena)
{
	return mime_unfold(body, arena, &part->language);
}

static bool
take_location(struct mime_part *part, struct slice body, struct arena *arena)
{
	return mime_unfold(body, arena, &part->location);
}

static bool
take_md5(struct mime_part *part, struct slice body, struct arena *arena)
{
	return mime_unfold(body, arena, &part->md5);
}

static const struct {
	struct slice name; /* after "Content-" */
	bool (*take)(
	    struct mime_part *part, struct slice body, struct arena *arena);
} content_fields[] = {
	{ SLICE("type"), take_type },
	{ SLICE("transfer-encoding"), take_encoding },
	{ SLICE("disposition"), take_disposition },
	{ SLICE("id"), take_id },
	{ SLICE("description"), take_description },
	{ SLICE("language"), take_language },
	{ SLICE("location"), take_location },
	{ SLICE("md5"), take_md5 },
};

/* The first field of a name counts. */
static bool
take_field(struct mime_part *part, const struct header_field *field,
    unsigned int *seen, struct arena *arena)
{
	struct slice name = slice_from(field->name, 8);

	if (!slice_starts_nocase(field->name, S("content-")))
		return true;
	for (size_t i = 0;
	     i < sizeof(content_fields) / sizeof(content_fields[0]); i++)
		if (slice_eq_nocase(name, content_fields[i].name) &&
		    (*seen & 1U << i) == 0) {
			*seen |= 1U << i;
			return content_fields[i].take(part, field->body, arena);
		}
	return true;
}

static void
default_type(struct mime_part *part)
{
	bool is_digest = part->parent != NULL && part->parent->is_multipart &&
			 slice_eq_nocase(part->parent->subtype, S("digest"));

	part->type = slice_of(is_digest ? "message" : "text");
	part->subtype = slice_of(is_digest ? "rfc822" : "plain");
}

/* The header at position; it ends early where a boundary interrupts it. */
static size_t
read_header(struct builder *builder, struct mime_part *part, size_t position)
{
	struct slice rest = slice_from(builder->message, position);
	struct header_iterator iterator;
	struct header_field field;
	unsigned int seen = 0;
	bool is_last;
	size_t length;

	default_type(part);
	header_begin_stored(&iterator, rest);
	for (;;) {
		length = iterator.position;
		if (!header_next(&iterator, &field)) {
			length = iterator.body_offset;
			break;
		}
		if (find_boundary(builder, field.raw, &is_last) <
		    builder->depth)
			break;
		if (!take_field(part, &field, &seen, builder->arena))
			builder->failed = true;
	}
	part->header = slice_first(rest, length);
	builder->lines += count_lines(part->header);
	return position + length;
}

static void
make_opaque(struct mime_part *part, const char *type, const char *subtype)
{
	part->type = slice_of(type);
	part->subtype = slice_of(subtype);
	part->parameters = NULL;
}

/* An encoded message/rfc822 is against RFC 2046 5.2.1: it stays a leaf. */
static bool
is_plain_encoding(struct slice encoding)
{
	return !slice_eq_nocase(encoding, S("base64")) &&
	       !slice_eq_nocase(encoding, S("quoted-printable"));
}

static struct slice
classify(struct builder *builder, struct mime_part *part)
{
	struct slice boundary = { "", 0 };
	bool is_multipart = slice_eq_nocase(part->type, S("multipart"));
	bool is_message = slice_eq_nocase(part->type, S("message")) &&
			  slice_eq_nocase(part->subtype, S("rfc822")) &&
			  is_plain_encoding(part->encoding);

	if ((is_multipart || is_message) &&
	    (builder->depth >= LIMIT_MIME_DEPTH || builder->is_opaque)) {
		make_opaque(part, "application", "octet-stream");
		return boundary;
	}
	part->is_message = is_message;
	if (!is_multipart)
		return boundary;
	boundary = mime_parameter_get(part->parameters, S("boundary"));
	part->is_multipart = boundary.len > 0;
	if (!part->is_multipart)
		make_opaque(part, "text", "plain");
	return boundary;
}

/* A message that cannot be a container must not be typed as one. */
static void
demote_encoded_message(struct mime_part *part)
{
	if (!part->is_message && slice_eq_nocase(part->type, S("message")) &&
	    slice_eq_nocase(part->subtype, S("rfc822")))
		make_opaque(part, "application", "octet-stream");
}

/* Start parts at position: one, and while it is a message, the one in it. */
static size_t
open_parts(struct builder *builder, size_t position)
{
	struct mime_part *part;
	struct open_part *open, *parent;

	do {
		part = arena_alloc(builder->arena, sizeof(*part));
		if (part == NULL) {
			builder->failed = true;
			return builder->message.len;
		}
		if (++builder->parts >= LIMIT_MIME_PARTS)
			builder->is_opaque = true;
		if (builder->depth > 0) {
			parent = &builder->stack[builder->depth - 1];
			part->parent = parent->part;
			*parent->tail = part;
			parent->tail = &part->next;
		}
		position = read_header(builder, part, position);
		open = &builder->stack[builder->depth];
		open->part = part;
		open->tail = &part->children;
		open->boundary = classify(builder, part);
		demote_encoded_message(part);
		open->first_line = builder->lines;
		builder->depth++;
		part->body = slice_from(builder->message, position);
	} while (part->is_message && !builder->failed);
	return position;
}

/* Parts above level end at position; the line end there is the boundary's. */
static void
close_parts(struct builder *builder, size_t level, size_t position, bool strip)
{
	const char *bytes = builder->message.ptr;
	size_t end = position, lines = builder->lines;

	if (strip && end > 0 && bytes[end - 1] == '\n') {
		end--;
		lines--;
	}
	if (strip && end > 0 && bytes[end - 1] == '\r')
		end--;
	while (builder->depth > level) {
		struct open_part *open = &builder->stack[--builder->depth];
		size_t start = (size_t)(open->part->body.ptr - bytes);
		struct slice *body = &open->part->body;

		body->len = end > start ? end - start : 0;
		if (body->len > 0)
			open->part->lines = lines - open->first_line;
	}
}

struct mime_part *
mime_parse(struct slice message, struct arena *arena)
{
	struct builder builder = { .message = message, .arena = arena };
	struct mime_part *root;
	size_t position, level, length;
	bool is_last;

	if (message.ptr == NULL)
		builder.message = message = slice_make("", 0);
	position = open_parts(&builder, 0);
	root = builder.depth > 0 ? builder.stack[0].part : NULL;
	while (position < message.len && !builder.failed) {
		struct slice rest = slice_from(message, position);

		length = line_length(rest);
		level = find_boundary(
		    &builder, slice_first(rest, length), &is_last);
		if (level < builder.depth)
			close_parts(&builder, level + 1, position, true);
		builder.lines += rest.ptr[length - 1] == '\n';
		position += length;
		if (level >= builder.depth)
			continue;
		if (is_last)
			builder.stack[level].boundary.len = 0;
		else
			position = open_parts(&builder, position);
	}
	close_parts(&builder, 0, message.len, false);
	return builder.failed ? NULL : root;
}

const struct mime_part *
mime_find(
    const struct mime_part *part, const unsigned int *numbers, size_t count)
{
	bool is_whole = true; /* part is a message: its only part is number 1 */

	for (size_t i = 0; i < count && part != NULL; i++) {
		unsigned int number = numbers[i];

		if (i > 0 && part->is_message) {
			part = part->children;
			is_whole = true;
		}
		if (number == 0 || part == NULL)
			return NULL;
		if (part->is_multipart) {
			part = part->children;
			while (part != NULL && --number > 0)
				part = part->next;
			is_whole = false;
		} else if (!is_whole || number != 1) {
			return NULL;
		} else {
			is_whole = false;
		}
	}
	return part;
}
