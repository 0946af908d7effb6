/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/bounce_texts.h"

#include "common/header.h"

/* Languages of one field that are looked at. */
#define RANGES_MAX  16
#define QUALITY_ONE 1000 /* ";q=1": RFC 3282 section 3 */

struct wish {
	const struct bounce_text *text;
	unsigned int quality; /* in thousandths */
};

/* RFC 3282: "1", "0.5", "0.123"; anything else is worth nothing. */
static unsigned int
parse_quality(struct slice text)
{
	unsigned int value = 0, unit = QUALITY_ONE;

	text = slice_trim(text);
	for (size_t i = 0; i < text.len; i++) {
		if (i == 1 && text.ptr[i] == '.')
			continue;
		if (!ascii_is_digit(text.ptr[i]) || unit == 0 ||
		    (i > 0 && text.ptr[1] != '.'))
			return 0;
		value += (unsigned int)(text.ptr[i] - '0') * unit;
		unit /= 10;
	}
	return value <= QUALITY_ONE ? value : 0;
}

static bool
is_offered(const struct string_list *languages, struct slice language)
{
	for (size_t i = 0; i < languages->count; i++)
		if (slice_eq_nocase(slice_of(languages->items[i]), language))
			return true;
	return false;
}

/* RFC 4647 section 3.4: the last subtag is left off until one fits. */
static const struct bounce_text *
look_up(const struct bounce_texts *texts, enum bounce_kind kind,
    const struct string_list *languages, struct slice range)
{
	const struct bounce_text *text;
	size_t end;

	while (range.len > 0) {
		text = bounce_texts_find(texts, kind, range);
		if (text != NULL && is_offered(languages, range))
			return text;
		end = slice_last_index(range, '-');
		range = slice_first(range, end < range.len ? end : 0);
	}
	return NULL;
}

/* "de-AT, de;q=0.8": the first of those with the highest value. */
static const struct bounce_text *
choose_by_field(const struct bounce_texts *texts, enum bounce_kind kind,
    const struct string_list *languages, struct slice body)
{
	struct slice item, range, parameter;
	struct wish best = { NULL, 0 }, wish;

	for (int i = 0; i < RANGES_MAX && slice_token(&body, S(","), &item);
	     i++) {
		wish.quality = QUALITY_ONE;
		if (slice_cut(item, ';', &range, &parameter)) {
			parameter = slice_trim(parameter);
			wish.quality =
			    slice_starts_nocase(parameter, S("q="))
				? parse_quality(slice_from(parameter, 2))
				: 0;
		}
		wish.text = look_up(texts, kind, languages, slice_trim(range));
		if (wish.text != NULL && wish.quality > best.quality)
			best = wish;
	}
	return best.text;
}

const struct bounce_text *
bounce_texts_choose(const struct bounce_texts *texts, enum bounce_kind kind,
    const struct string_list *languages, struct slice header)
{
	static const struct slice names[] = { SLICE("Accept-Language"),
		SLICE("Content-Language") };
	const struct bounce_text *text = NULL;
	struct header_field field;

	for (size_t i = 0; i < 2 && text == NULL; i++)
		if (header_find(header, names[i], &field))
			text =
			    choose_by_field(texts, kind, languages, field.body);
	for (size_t i = 0; i < languages->count && text == NULL; i++)
		text = bounce_texts_find(
		    texts, kind, slice_of(languages->items[i]));
	if (text == NULL)
		text = bounce_texts_find(texts, kind, S("en"));
	BUG_UNLESS(text != NULL);
	return text;
}
