/* SPDX-License-Identifier: ISC */
/*
 * The header iterator: the raw fields, the separator and the body are the
 * input again, in order and without gaps.
 */
#include "config.h"

#include <stdint.h>

#include "common/header.h"
#include "common/result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_make(data, size);
	struct header_iterator iterator;
	struct header_field field;
	size_t position = 0;
	struct buf out;

	buf_init(&out, size);
	header_begin(&iterator, input);
	while (header_next(&iterator, &field)) {
		BUG_UNLESS(field.raw.ptr == input.ptr + position);
		BUG_UNLESS(field.name.len > 0);
		position += field.raw.len;
		buf_clear(&out);
		BUG_UNLESS(header_unfold(field.body, &out));
		BUG_UNLESS(slice_index(buf_slice(&out), '\n') == out.len);
	}
	BUG_UNLESS(iterator.is_at_end && iterator.body_offset <= size);
	BUG_UNLESS(iterator.has_separator == (iterator.body_offset > position));
	BUG_UNLESS(iterator.body_offset - position <= 2);
	buf_free(&out);
	return 0;
}
