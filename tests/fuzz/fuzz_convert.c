/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "queue/convert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
plan_all(struct convert_plan *plan, struct slice text, size_t piece)
{
	convert_plan_init(plan);
	for (size_t at = 0; at < text.len; at += piece)
		convert_plan_feed(
		    plan, slice_first(slice_from(text, at), piece));
	convert_plan_end(plan);
}

static void
convert_all(const struct convert_plan *plan, struct slice text, size_t piece,
    enum convert_target target, struct buf *out)
{
	struct convert convert;
	size_t before;

	convert_init(&convert, plan, target);
	for (size_t at = 0; at < text.len; at += piece) {
		before = out->len;
		if (!convert_feed(&convert,
			slice_first(slice_from(text, at), piece), out) ||
		    out->len - before > CONVERT_ROOM(piece))
			abort();
	}
	before = out->len;
	if (!convert_end(&convert, out) ||
	    out->len - before > CONVERT_ROOM((size_t)0))
		abort();
	convert_clear(&convert);
}

/* What comes out is 7-bit, its structure the same, the split no matter. */
static void
check(const struct convert_plan *plan, struct slice text, size_t piece)
{
	struct convert_plan again;
	struct buf one, two;

	buf_init(&one, 64 << 20);
	buf_init(&two, 64 << 20);
	convert_all(plan, text, piece, CONVERT_7BIT, &one);
	convert_all(plan, text, 4096, CONVERT_7BIT, &two);
	if (!slice_eq(buf_slice(&one), buf_slice(&two)))
		abort();
	plan_all(&again, buf_slice(&one), 4096);
	if (again.has_8bit && !plan->has_8bit_header)
		abort();
	convert_plan_clear(&again);
	buf_clear(&one);
	convert_all(plan, text, piece, CONVERT_8BIT, &one);
	buf_free(&one);
	buf_free(&two);
}

/* The first byte is the size of the pieces. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct convert_plan plan;
	struct slice text;
	size_t piece;

	if (size == 0)
		return 0;
	piece = data[0] == 0 ? 4096 : data[0];
	text = slice_make(data + 1, size - 1);
	plan_all(&plan, text, piece);
	if (!plan.is_impossible)
		check(&plan, text, piece);
	convert_plan_clear(&plan);
	return 0;
}
