/* SPDX-License-Identifier: ISC */
/*
 * fuzz_aliases - table text in both formats, and alias values.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "common/alias_file.h"
#include "common/table_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
take_entries(struct slice value)
{
	struct arena *arena = arena_new("fuzz", 16 << 20);
	struct alias_entry entry;
	size_t before;

	do {
		before = value.len;
		if (!alias_next(&value, arena, &entry))
			break;
		if (value.len >= before)
			abort();
	} while (value.len > 0);
	arena_free(&arena);
}

static void
take_rows(struct slice bytes, enum table_format format)
{
	struct table_text text;
	size_t last = 0;

	table_text_begin(&text, bytes, format);
	while (table_text_next(&text)) {
		if (text.key.len == 0 || text.line <= last)
			abort();
		last = text.line;
		take_entries(text.value);
	}
	table_text_end(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = slice_make(data, size);

	take_rows(bytes, TABLE_ALIASES);
	take_rows(bytes, TABLE_KEY_VALUE);
	take_entries(bytes);
	return 0;
}
