/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/convert.h"

#include <string.h>

#include "common/alloc.h"
#include "common/header.h"

#define LINE_MAX_BYTES 998 /* RFC 5322 section 2.1.1 */
#define PARTS_FIRST    16

enum part_flags {
	PART_8BIT = 1 << 0,
	PART_BINARY = 1 << 1,
	PART_WHOLE = 1 << 2, /* a message that is encoded as one */
};

struct convert_part {
	uint32_t enclosing;
	enum walk_encoding encoding;
	unsigned int flags; /* enum part_flags */
	uint64_t bytes, high;
};

void
convert_plan_init(struct convert_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	walk_init(&plan->walk);
}

void
convert_plan_clear(struct convert_plan *plan)
{
	walk_clear(&plan->walk);
	alloc_release(plan->parts);
	memset(plan, 0, sizeof(*plan));
}

static size_t
count_high(struct slice bytes)
{
	size_t count = 0;

	for (size_t i = 0; i < bytes.len; i++)
		count += (unsigned char)bytes.ptr[i] >= 0x80;
	return count;
}

/* Line ends are CRLF here, so each CR and LF stands alone. */
static bool
is_binary(struct slice bytes)
{
	return slice_index(bytes, '\0') < bytes.len ||
	       slice_index(bytes, '\r') < bytes.len ||
	       slice_index(bytes, '\n') < bytes.len;
}

/* This part cannot be given in 7 bits; the message around it can be. */
static void
plan_whole(struct convert_plan *plan, uint32_t enclosing)
{
	if (enclosing == WALK_NONE)
		plan->is_impossible = true;
	else
		plan->parts[enclosing].flags |= PART_WHOLE;
}

static void
plan_header(struct convert_plan *plan, const struct walk_item *item)
{
	const struct walk_header *header = &item->header;
	struct convert_part *part;

	if (plan->count == plan->room) {
		plan->room = plan->room == 0 ? PARTS_FIRST : 2 * plan->room;
		plan->parts =
		    alloc_resize(plan->parts, plan->room, sizeof(*plan->parts));
	}
	part = &plan->parts[plan->count++];
	*part = (struct convert_part){ .enclosing = header->enclosing,
		.encoding = header->encoding };
	plan->line = 0;
	if (count_high(item->bytes) == 0)
		return;
	if (header->enclosing == WALK_NONE) {
		plan->has_8bit_header = true;
	} else {
		plan->has_8bit_inside = true;
		plan_whole(plan, header->enclosing);
	}
}

static void
plan_body(struct convert_plan *plan, const struct walk_item *item)
{
	struct convert_part *part = &plan->parts[plan->count - 1];
	size_t high = count_high(item->bytes);

	if (item->has_break)
		plan->line = 0;
	plan->line += item->bytes.len;
	part->bytes += item->bytes.len;
	part->high += high;
	if (high > 0)
		part->flags |= PART_8BIT;
	if (is_binary(item->bytes) || plan->line > LINE_MAX_BYTES) {
		part->flags |= PART_BINARY;
		plan->has_binary = true;
		plan->is_unreadable |= part->encoding == ENCODING_UNKNOWN;
	}
	if (high > 0 && part->encoding == ENCODING_UNKNOWN)
		plan_whole(plan, part->enclosing);
}

static void
plan_walk(struct convert_plan *plan, struct slice bytes)
{
	struct walk_item item;
	enum walk_event event;

	do {
		event = walk_next(&plan->walk, &bytes, &item);
		if (event == WALK_HEADER)
			plan_header(plan, &item);
		else if (event == WALK_BODY)
			plan_body(plan, &item);
		else if (event == WALK_BAD)
			plan->is_impossible = plan->is_unreadable =
			    plan->has_binary = true;
	} while (event != WALK_MORE && event != WALK_END && event != WALK_BAD);
}

void
convert_plan_feed(struct convert_plan *plan, struct slice bytes)
{
	plan->has_8bit |= count_high(bytes) > 0;
	plan_walk(plan, bytes);
}

void
convert_plan_end(struct convert_plan *plan)
{
	walk_finish(&plan->walk);
	plan_walk(plan, S(""));
}

void
convert_init(struct convert *convert, const struct convert_plan *plan,
    enum convert_target target)
{
	memset(convert, 0, sizeof(*convert));
	convert->plan = plan;
	convert->target = target;
	walk_init(&convert->walk);
}

void
convert_clear(struct convert *convert)
{
	walk_clear(&convert->walk);
	memset(convert, 0, sizeof(*convert));
}

static bool
is_whole(const struct convert *convert, uint32_t entity)
{
	return convert->target == CONVERT_7BIT &&
	       (convert->plan->parts[entity].flags & PART_WHOLE) != 0;
}

static enum encode_how
leaf_how(const struct convert_part *part, const struct walk_header *header,
    bool is_dirty)
{
	if (header->encoding == ENCODING_BASE64)
		return is_dirty ? ENCODE_OMIT : ENCODE_COPY;
	if (header->encoding == ENCODING_QUOTED)
		return is_dirty ? ENCODE_ESCAPE : ENCODE_COPY;
	if (header->encoding == ENCODING_UNKNOWN ||
	    (!is_dirty && (part->flags & PART_BINARY) == 0))
		return ENCODE_COPY;
	return header->is_text && part->high <= part->bytes / 4 ? ENCODE_QUOTED
								: ENCODE_BASE64;
}

/* How the body of an entity goes. */
static enum encode_how
body_how(const struct convert *convert, const struct walk_header *header)
{
	const struct convert_part *part = &convert->plan->parts[header->entity];

	if (is_whole(convert, header->entity))
		return ENCODE_BASE64;
	if (header->is_multipart || header->is_message)
		return ENCODE_COPY;
	return leaf_how(part, header,
	    convert->target == CONVERT_7BIT && (part->flags & PART_8BIT) != 0);
}

/* What Content-Transfer-Encoding has to say; NULL: what it says. */
static const char *
new_label(const struct convert *convert, const struct walk_header *header,
    enum encode_how how)
{
	if (how == ENCODE_QUOTED)
		return "quoted-printable";
	if (how == ENCODE_BASE64)
		return "base64";
	if (header->encoding == ENCODING_BINARY ||
	    header->encoding == ENCODING_8BIT)
		return convert->target == CONVERT_7BIT ? "7bit" : "8bit";
	return NULL;
}

static void
add_fields(const struct walk_header *header, const char *label, bool is_whole,
    struct buf *out)
{
	bool is_encoded =
	    strcmp(label, "7bit") != 0 && strcmp(label, "8bit") != 0;

	/* RFC 1428: what the bytes mean was never said. */
	if (is_encoded && header->is_root && !header->has_version) {
		buf_add(out, S("MIME-Version: 1.0\r\n"));
		if (!header->has_type)
			buf_add(out, S("Content-Type: text/plain; "
				       "charset=unknown-8bit\r\n"));
	}
	if (is_whole)
		buf_add(out, S("Content-Type: message/global\r\n"));
	buf_add_format(out, "Content-Transfer-Encoding: %s\r\n", label);
}

static void
rewrite_header(const struct walk_item *item, const char *label, bool is_whole,
    struct buf *out)
{
	struct header_iterator iterator;
	struct header_field field;

	header_begin_stored(&iterator, item->bytes);
	while (header_next(&iterator, &field)) {
		if (slice_eq_nocase(field.name, S("Content-Transfer-Encoding")))
			continue;
		if (is_whole && slice_eq_nocase(field.name, S("Content-Type")))
			continue;
		buf_add(out, field.raw);
	}
	add_fields(&item->header, label, is_whole, out);
	if (iterator.has_separator)
		buf_add(out, S("\r\n"));
}

/* The first entity that is not within this one. */
static uint32_t
next_after(const struct convert_plan *plan, uint32_t entity)
{
	uint32_t next = entity + 1, around;

	for (; next < plan->count; next++) {
		around = plan->parts[next].enclosing;
		while (around != WALK_NONE && around > entity)
			around = plan->parts[around].enclosing;
		if (around != entity)
			break;
	}
	return next;
}

/* False: not the message the plan was made of. */
static bool
take_header(
    struct convert *convert, const struct walk_item *item, struct buf *out)
{
	const struct walk_header *header = &item->header;
	enum encode_how how;
	const char *label;
	bool whole;

	if (header->entity >= convert->plan->count)
		return false;
	encode_end(&convert->encoder, out);
	how = body_how(convert, header);
	whole = is_whole(convert, header->entity);
	label = new_label(convert, header, how);
	if (label == NULL)
		buf_add(out, item->bytes);
	else
		rewrite_header(item, label, whole, out);
	encode_init(&convert->encoder, how);
	if (whole)
		walk_take_as_leaf(
		    &convert->walk, next_after(convert->plan, header->entity));
	return true;
}

static bool
take(struct convert *convert, enum walk_event event,
    const struct walk_item *item, struct buf *out)
{
	switch (event) {
	case WALK_HEADER:
		return take_header(convert, item, out);
	case WALK_BODY:
		encode_feed(
		    &convert->encoder, item->has_break, item->bytes, out);
		break;
	case WALK_OUTSIDE:
		encode_end(&convert->encoder, out);
		encode_init(&convert->encoder, convert->target == CONVERT_7BIT
						   ? ENCODE_MASK
						   : ENCODE_COPY);
		encode_feed(
		    &convert->encoder, item->has_break, item->bytes, out);
		break;
	case WALK_BAD:
		return false;
	case WALK_MORE:
	case WALK_END:
		break;
	}
	return true;
}

static bool
convert_walk(struct convert *convert, struct slice bytes, struct buf *out)
{
	struct walk_item item;
	enum walk_event event;

	do {
		event = walk_next(&convert->walk, &bytes, &item);
		if (!take(convert, event, &item, out))
			return false;
	} while (event != WALK_MORE && event != WALK_END);
	return !out->failed;
}

bool
convert_feed(struct convert *convert, struct slice bytes, struct buf *out)
{
	return convert_walk(convert, bytes, out);
}

bool
convert_end(struct convert *convert, struct buf *out)
{
	bool is_base64;

	walk_finish(&convert->walk);
	if (!convert_walk(convert, S(""), out))
		return false;
	/* No boundary follows that would end its last line. */
	is_base64 = convert->encoder.how == ENCODE_BASE64;
	encode_end(&convert->encoder, out);
	if (is_base64)
		buf_add(out, S("\r\n"));
	return !out->failed;
}
