/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/spool_options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char notify_letters[] = "NSFD";

void
spool_options_format(
    const struct mail_options *options, char text[SPOOL_OPTIONS_SIZE])
{
	text[0] = '\0';
	if (options->flags == 0 && options->priority == 0 &&
	    options->hold_until == 0 && options->deliver_by == 0)
		return;
	snprintf(text, SPOOL_OPTIONS_SIZE,
	    "%" PRIu32 " %" PRId32 " %" PRIu64 " %" PRIu64, options->flags,
	    options->priority, options->hold_until, options->deliver_by);
}

bool
spool_options_parse(struct slice text, struct mail_options *options)
{
	char again[SPOOL_OPTIONS_SIZE];
	struct slice rest = text, word;
	uint64_t numbers[4] = { 0 };
	bool is_negative = false;

	for (size_t i = 0; i < 4; i++) {
		if (!slice_token(&rest, S(" "), &word))
			return false;
		if (i == 1 && slice_starts(word, S("-"))) {
			is_negative = true;
			word = slice_from(word, 1);
		}
		if (!slice_u64(word,
			i == 0   ? MAIL_FLAGS_ALL
			: i == 1 ? MAIL_PRIORITY_HIGHEST
				 : MAIL_TIME_MAX,
			&numbers[i]))
			return false;
	}
	options->flags = (uint32_t)numbers[0];
	options->priority =
	    is_negative ? -(int32_t)numbers[1] : (int32_t)numbers[1];
	options->hold_until = numbers[2];
	options->deliver_by = numbers[3];
	spool_options_format(options, again);
	return slice_eq(text, slice_of(again)) && text.len > 0 &&
	       mail_options_are_valid(options);
}

void
spool_notify_format(unsigned int notify, char text[SPOOL_OPTIONS_SIZE])
{
	size_t n = 0;

	for (size_t i = 0; notify_letters[i] != '\0'; i++)
		if (notify & 1u << i)
			text[n++] = notify_letters[i];
	text[n] = '\0';
}

bool
spool_notify_parse(struct slice text, uint8_t *notify)
{
	char again[SPOOL_OPTIONS_SIZE];
	struct rcpt_options options = { .original = S("") };
	const char *letter;

	for (size_t i = 0; i < text.len; i++) {
		letter = memchr(
		    notify_letters, text.ptr[i], sizeof(notify_letters) - 1);
		if (letter == NULL)
			return false;
		options.notify |= (uint8_t)(1u << (letter - notify_letters));
	}
	spool_notify_format(options.notify, again);
	*notify = options.notify;
	return slice_eq(text, slice_of(again)) && text.len > 0 &&
	       rcpt_options_are_valid(&options);
}
