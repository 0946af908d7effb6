/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stddef.h>
#include <stdint.h>

#include "common/bounce_texts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was taken must be written out to its end. */
static void
walk(const struct bounce_text *text)
{
	struct slice rest = text->body, literal;
	enum bounce_place place;
	size_t length = 0;

	do {
		BUG_UNLESS(bounce_text_next(&rest, &literal, &place));
		length += literal.len;
	} while (place != BOUNCE_PLACES);
	BUG_UNLESS(rest.len == 0 && length <= text->body.len);
}

/* The header of a message, an empty line, a file of texts. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char de[] = "de", xx[] = "xx", en[] = "en";
	static char *languages[] = { de, xx, en };
	static const struct string_list list = { 3, languages };
	struct slice all = slice_make(data, size);
	size_t end = slice_find(all, S("\n\n"));
	struct bounce_texts *texts = bounce_texts_new();

	(void)bounce_texts_add(texts,
	    slice_from(all, end + 2 < all.len ? end + 2 : all.len), NULL);
	for (int kind = 0; kind < BOUNCE_KINDS; kind++)
		walk(bounce_texts_choose(texts, (enum bounce_kind)kind, &list,
		    slice_first(all, end)));
	bounce_texts_free(&texts);
	return 0;
}
