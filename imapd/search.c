/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/search.h"

#include <string.h>

#include "common/date.h"
#include "common/header.h"
#include "common/mime/parameter.h"
#include "common/mime/text.h"

#define TEXT_MAX ((size_t)128 * 1024 * 1024)

void
search_resolve(struct search_key *key, uint32_t last_number, uint32_t last_uid)
{
	for (; key != NULL; key = key->next) {
		if (key->kind == SEARCH_SET)
			sequence_set_resolve(&key->set, last_number);
		if (key->kind == SEARCH_UID)
			sequence_set_resolve(&key->set, last_uid);
		search_resolve(key->children, last_number, last_uid);
	}
}

static bool
search_load(struct search *search, enum content_part part)
{
	struct why why = { 0 };

	if (search->has_failed || !content_load(search->message, search->folder,
				      search->index, part, &why))
		search->has_failed = true;
	return !search->has_failed;
}

static bool
text_contains(struct slice utf8, struct slice needle)
{
	struct buf folded;
	bool found;

	buf_init(&folded, TEXT_MAX);
	text_fold_case(utf8, &folded);
	found = slice_find(buf_slice(&folded), needle) < folded.len ||
		needle.len == 0;
	buf_free(&folded);
	return found;
}

static bool
field_contains(struct slice body, struct slice needle)
{
	struct buf utf8;
	bool found;

	if (needle.len == 0)
		return true;
	buf_init(&utf8, TEXT_MAX);
	encoded_word_decode(body, &utf8);
	found = text_contains(buf_slice(&utf8), needle);
	buf_free(&utf8);
	return found;
}

static bool
header_contains(struct slice header, struct slice name, struct slice needle)
{
	struct header_iterator iterator;
	struct header_field field;

	header_begin_stored(&iterator, header);
	while (header_next(&iterator, &field))
		if (slice_eq_nocase(field.name, name) &&
		    field_contains(field.body, needle))
			return true;
	return false;
}

static bool
find_stored(struct slice header, struct slice name, struct header_field *field)
{
	struct header_iterator iterator;

	header_begin_stored(&iterator, header);
	while (header_next(&iterator, field))
		if (slice_eq_nocase(field->name, name))
			return true;
	return false;
}

static bool
part_contains(const struct mime_part *part, struct slice needle)
{
	struct buf raw, utf8;
	bool found;

	if (!slice_eq_nocase(part->type, S("text")) &&
	    (part->is_message || !slice_eq_nocase(part->type, S("message"))))
		return false;
	buf_init(&raw, TEXT_MAX);
	buf_init(&utf8, TEXT_MAX);
	transfer_decode(part->encoding, part->body, &raw);
	charset_to_utf8(mime_parameter_get(part->parameters, S("charset")),
	    buf_slice(&raw), &utf8);
	found = text_contains(buf_slice(&utf8), needle);
	buf_free(&raw);
	buf_free(&utf8);
	return found;
}

/* Text parts, decoded; of messages within also the header. */
static bool
body_contains(const struct mime_part *root, struct slice needle)
{
	const struct mime_part *part = root;

	while (part != NULL) {
		if (part_contains(part, needle))
			return true;
		if (part != root && part->parent->is_message &&
		    field_contains(part->header, needle))
			return true;
		if (part->children != NULL) {
			part = part->children;
			continue;
		}
		while (part != root && part->next == NULL)
			part = part->parent;
		part = part == root ? NULL : part->next;
	}
	return false;
}

static bool
match_text(struct search *search, const struct search_key *key)
{
	if (!search_load(search, CONTENT_WHOLE))
		return false;
	if (key->text.len == 0)
		return true;
	return (key->kind == SEARCH_TEXT &&
		   field_contains(
		       content_header(search->message), key->text)) ||
	       body_contains(content_root(search->message), key->text);
}

static bool
compare_days(enum search_kind kind, int64_t days, const struct search_key *key)
{
	int64_t wanted = (int64_t)key->number;

	if (kind == SEARCH_BEFORE || kind == SEARCH_SENTBEFORE)
		return days < wanted;
	if (kind == SEARCH_ON || kind == SEARCH_SENTON)
		return days == wanted;
	return days >= wanted;
}

static int64_t
floor_days(int64_t seconds)
{
	return (seconds - (seconds < 0 ? 86399 : 0)) / 86400;
}

static bool
match_date(struct search *search, const struct search_key *key)
{
	struct tm tm = { 0 };

	if (!search_load(search, CONTENT_OPEN))
		return false;
	localtime_r(&search->message->date, &tm);
	return compare_days(
	    key->kind, floor_days(search->message->date + tm.tm_gmtoff), key);
}

/* The day as the Date field writes it, whatever its zone. */
static bool
match_sent(struct search *search, const struct search_key *key)
{
	struct header_field field;
	time_t when;
	int zone;

	if (!search_load(search, CONTENT_HEADER))
		return false;
	if (!find_stored(content_header(search->message), S("Date"), &field) ||
	    !date_parse_rfc5322(slice_trim(field.body), &when, &zone))
		return match_date(search, key);
	return compare_days(
	    key->kind, floor_days((int64_t)when + (int64_t)zone * 60), key);
}

static bool
match_size(struct search *search, const struct search_key *key)
{
	struct why why = { 0 };
	uint64_t size;

	if (!folder_measure(search->folder, search->index, &why)) {
		search->has_failed = true;
		return false;
	}
	size = folder_mail(search->folder, search->index)->wire_size;
	return key->kind == SEARCH_LARGER ? size > key->number
					  : size < key->number;
}

static bool
match_keyword(struct search *search, const struct search_key *key)
{
	int number = folder_keyword_find(search->folder, key->text, false);

	return number >= 0 &&
	       (folder_mail(search->folder, search->index)->keywords &
		   (uint32_t)1 << number) != 0;
}

static bool
match_header(struct search *search, const struct search_key *key)
{
	return search_load(search, CONTENT_HEADER) &&
	       header_contains(
		   content_header(search->message), key->name, key->text);
}

static bool
match_cheap(struct search *search, const struct search_key *key)
{
	const struct mail *mail = folder_mail(search->folder, search->index);

	switch (key->kind) {
	case SEARCH_ALL:
		return true;
	case SEARCH_FLAG:
		return (mail->flags & key->flags) == key->flags &&
		       (mail->flags & key->unset) == 0;
	case SEARCH_SET:
		return sequence_set_contains(
		    &key->set, (uint32_t)search->index + 1);
	case SEARCH_UID:
		return sequence_set_contains(&key->set, mail->uid);
	case SEARCH_KEYWORD:
		return match_keyword(search, key);
	default:
		return match_size(search, key);
	}
}

static bool
match_all(struct search *search, const struct search_key *list)
{
	for (int cost = COST_NONE; cost < COST_COUNT; cost++)
		for (const struct search_key *k = list->children; k != NULL;
		     k = k->next)
			if ((int)k->cost == cost && !search_matches(search, k))
				return false;
	return true;
}

static bool
match_any(struct search *search, const struct search_key *list)
{
	for (const struct search_key *k = list->children; k != NULL;
	     k = k->next)
		if (search_matches(search, k))
			return true;
	return false;
}

bool
search_matches(struct search *search, const struct search_key *key)
{
	switch (key->kind) {
	case SEARCH_AND:
		return match_all(search, key);
	case SEARCH_OR:
		return match_any(search, key);
	case SEARCH_NOT:
		return !search_matches(search, key->children);
	case SEARCH_BEFORE:
	case SEARCH_ON:
	case SEARCH_SINCE:
		return match_date(search, key);
	case SEARCH_SENTBEFORE:
	case SEARCH_SENTON:
	case SEARCH_SENTSINCE:
		return match_sent(search, key);
	case SEARCH_HEADER:
		return match_header(search, key);
	case SEARCH_BODY:
	case SEARCH_TEXT:
		return match_text(search, key);
	default:
		return match_cheap(search, key);
	}
}
