/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/bounce_texts.h"

#include <string.h>

#include "common/alloc.h"
#include "common/arena.h"
#include "common/utf8.h"

struct bounce_texts {
	struct arena *arena;
	size_t count;
	struct bounce_text texts[BOUNCE_TEXTS_MAX];
};

const struct slice bounce_kind_names[BOUNCE_KINDS] = { SLICE("failed"),
	SLICE("delayed"), SLICE("success"), SLICE("expanded") };

static const struct slice places[BOUNCE_PLACES] = { SLICE("$"),
	SLICE("hostname"), SLICE("queue_id"), SLICE("arrived"),
	SLICE("retry_until"), SLICE("recipients") };

static bool
is_name_letter(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '_';
}

/* Letters, or another dollar sign. */
static struct slice
name_at(struct slice s)
{
	size_t end = 0;

	while (end < s.len && is_name_letter(s.ptr[end]))
		end++;
	return slice_first(s, end == 0 && slice_starts(s, S("$")) ? 1 : end);
}

static enum bounce_place
find_place(struct slice name)
{
	for (int i = 0; i < BOUNCE_PLACES; i++)
		if (slice_eq(places[i], name))
			return (enum bounce_place)i;
	return BOUNCE_PLACES;
}

bool
bounce_text_next(
    struct slice *rest, struct slice *literal, enum bounce_place *place)
{
	struct slice name;

	*place = BOUNCE_PLACES;
	if (!slice_cut(*rest, '$', literal, rest))
		return true;
	name = name_at(*rest);
	*place = find_place(name);
	if (*place == BOUNCE_PLACES) {
		*rest = name;
		return false;
	}
	*rest = slice_from(*rest, name.len);
	return true;
}

/* One line for people. */
static bool
is_line(struct slice line, size_t max)
{
	if (line.len > max || !utf8_is_valid(line))
		return false;
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.ptr[i] < 0x20 && line.ptr[i] != '\t')
			return false;
	return true;
}

static bool
is_language(struct slice tag)
{
	for (size_t i = 0; i < tag.len; i++)
		if (!ascii_is_alpha(tag.ptr[i]) &&
		    !ascii_is_digit(tag.ptr[i]) && tag.ptr[i] != '-')
			return false;
	return tag.len > 0 && tag.len <= BOUNCE_LANGUAGE_MAX;
}

/* What is left of the input, and the number of its line. */
struct reader {
	struct slice rest;
	size_t number;
};

/* The next line without its end; rest stays when it begins a text. */
static bool
next_line(struct reader *reader, bool ends_at_text, struct slice *line)
{
	if (reader->rest.len == 0 ||
	    (ends_at_text && slice_starts(reader->rest, S("["))))
		return false;
	slice_cut(reader->rest, '\n', line, &reader->rest);
	if (slice_ends(*line, S("\r")))
		line->len--;
	reader->number++;
	return true;
}

static bool
parse_heading(struct slice line, struct bounce_text *text, struct why *why)
{
	struct slice words, kind, language, more;
	size_t i = 0;

	if (!slice_cut(slice_from(line, 1), ']', &words, &more) ||
	    slice_trim(more).len > 0 || !slice_token(&words, S(" \t"), &kind) ||
	    !slice_token(&words, S(" \t"), &language) ||
	    slice_trim(words).len > 0)
		return why_set(why, "not [KIND LANGUAGE]");
	while (i < BOUNCE_KINDS && !slice_eq(bounce_kind_names[i], kind))
		i++;
	if (i == BOUNCE_KINDS)
		return why_set(why,
		    "the kind is not failed, delayed, success or expanded");
	if (!is_language(language))
		return why_set(why, "the language is not like \"en\"");
	text->kind = (enum bounce_kind)i;
	text->language = language;
	return true;
}

static bool
parse_fields(struct reader *reader, struct bounce_text *text, struct why *why)
{
	struct slice line, name, value;

	while (next_line(reader, true, &line) && line.len > 0) {
		slice_cut(line, ':', &name, &value);
		value = slice_trim(value);
		if (!is_line(value, BOUNCE_TEXT_LINE_MAX) || value.len == 0)
			return why_set(
			    why, "not \"Subject: TEXT\" or \"Means: TEXT\"");
		if (slice_eq_nocase(name, S("Subject")))
			text->subject = value;
		else if (slice_eq_nocase(name, S("Means")))
			text->means = value;
		else
			return why_set(
			    why, "a field that is neither Subject nor Means");
	}
	if (text->subject.len == 0 || text->means.len == 0)
		return why_set(why, "Subject: or Means: is missing");
	return true;
}

static bool
check_places(const struct bounce_text *text, struct slice line, struct why *why)
{
	struct slice rest = line, literal;
	enum bounce_place place;

	do {
		if (!bounce_text_next(&rest, &literal, &place))
			return why_set(why,
			    "there is no $%.*s ($$ is a dollar sign)",
			    SLICE_FMT(slice_first(rest, 40)));
		if (place == BOUNCE_PLACE_RETRY_UNTIL &&
		    text->kind != BOUNCE_DELAYED)
			return why_set(why, "$retry_until is for delayed only");
		if (place == BOUNCE_PLACE_RECIPIENTS &&
		    !slice_eq(line, S("$recipients")))
			return why_set(
			    why, "$recipients is not alone in its line");
	} while (place != BOUNCE_PLACES);
	return true;
}

static bool
collect_body(struct reader *reader, const struct bounce_text *text,
    struct buf *body, struct why *why)
{
	struct slice line;
	size_t recipients = 0;

	while (next_line(reader, true, &line)) {
		if (!is_line(line, BOUNCE_TEXT_LINE_MAX))
			return why_set(why,
			    "not UTF-8, a control character, or longer than "
			    "%d",
			    BOUNCE_TEXT_LINE_MAX);
		if (slice_starts(line, S("#")))
			continue;
		if (!check_places(text, line, why))
			return false;
		if (slice_eq(line, S("$recipients")))
			recipients++;
		buf_add(body, line);
		buf_add_char(body, '\n');
	}
	if (body->failed)
		return why_set(
		    why, "a text of more than %d bytes", BOUNCE_TEXT_MAX);
	if (recipients != 1)
		return why_set(why, "$recipients is there %zu times, not once",
		    recipients);
	return true;
}

static bool
parse_body(struct bounce_texts *texts, struct reader *reader,
    struct bounce_text *text, struct why *why)
{
	struct buf body;
	bool ok;

	buf_init(&body, BOUNCE_TEXT_MAX);
	ok = collect_body(reader, text, &body, why);
	text->body = arena_slice(texts->arena, buf_slice(&body));
	buf_free(&body);
	return ok;
}

const struct bounce_text *
bounce_texts_find(const struct bounce_texts *texts, enum bounce_kind kind,
    struct slice language)
{
	for (size_t i = 0; i < texts->count; i++)
		if (texts->texts[i].kind == kind &&
		    slice_eq_nocase(texts->texts[i].language, language))
			return &texts->texts[i];
	return NULL;
}

static bool
keep(
    struct bounce_texts *texts, const struct bounce_text *text, struct why *why)
{
	const struct bounce_text *old =
	    bounce_texts_find(texts, text->kind, text->language);

	if (old != NULL) {
		texts->texts[old - texts->texts] = *text;
		return true;
	}
	if (texts->count == BOUNCE_TEXTS_MAX)
		return why_set(why, "more than %d texts", BOUNCE_TEXTS_MAX);
	texts->texts[texts->count++] = *text;
	return true;
}

static bool
parse_text(struct bounce_texts *texts, struct reader *reader,
    struct slice heading, struct why *why)
{
	struct bounce_text text = { 0 };

	return parse_heading(heading, &text, why) &&
	       parse_fields(reader, &text, why) &&
	       parse_body(texts, reader, &text, why) && keep(texts, &text, why);
}

static bool
parse(struct bounce_texts *texts, struct reader *reader, struct why *why)
{
	struct slice line;

	while (next_line(reader, false, &line)) {
		if (slice_trim(line).len == 0 || line.ptr[0] == '#')
			continue;
		if (line.ptr[0] != '[')
			return why_set(why, "no [KIND LANGUAGE] before it");
		if (!parse_text(texts, reader, line, why))
			return false;
	}
	return true;
}

bool
bounce_texts_add(struct bounce_texts *texts, struct slice text, struct why *why)
{
	struct reader reader = { .rest = arena_slice(texts->arena, text) };
	struct why cause = { 0 };

	if (text.len > BOUNCE_TEXTS_FILE_MAX ||
	    (reader.rest.ptr == NULL && text.len > 0))
		return why_set(
		    why, "more than %d bytes", BOUNCE_TEXTS_FILE_MAX);
	if (parse(texts, &reader, &cause))
		return true;
	return why_set(why, "line %zu: %s", reader.number, cause.text);
}

struct bounce_texts *
bounce_texts_new(void)
{
	struct bounce_texts *texts = alloc_zero(1, sizeof(*texts));
	struct buf text;

	texts->arena = arena_new("bounce texts", 3 * BOUNCE_TEXTS_FILE_MAX);
	buf_init(&text, BOUNCE_TEXTS_FILE_MAX);
	bounce_texts_default_text(&text);
	BUG_UNLESS(bounce_texts_add(texts, buf_slice(&text), NULL));
	buf_free(&text);
	return texts;
}

void
bounce_texts_free(struct bounce_texts **texts)
{
	if (*texts == NULL)
		return;
	arena_free(&(*texts)->arena);
	alloc_release(*texts);
	*texts = NULL;
}
