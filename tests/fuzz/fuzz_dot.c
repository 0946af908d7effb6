/* SPDX-License-Identifier: ISC */
/*
 * The dot codec: decoding does not depend on the split, and what the encoder
 * makes of anything decodes without problems and ends where it should.
 */
#include "config.h"

#include <stdint.h>

#include "common/dot.h"
#include "common/result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dot_decoder
decode(struct slice input, size_t step, struct buf *out, size_t *used)
{
	struct dot_decoder decoder;
	struct slice piece;
	size_t length;

	dot_decode_init(&decoder, 100);
	*used = 0;
	while (*used < input.len && !decoder.is_at_end) {
		piece = slice_first(slice_from(input, *used), step);
		length = piece.len;
		dot_decode(&decoder, &piece, out);
		*used += length - piece.len;
	}
	return decoder;
}

static void
check_split(struct slice input)
{
	struct dot_decoder whole, split;
	size_t whole_used, split_used;
	struct buf first, second;

	buf_init(&first, 2 * input.len + 8);
	buf_init(&second, 2 * input.len + 8);
	whole = decode(input, input.len, &first, &whole_used);
	split = decode(input, 3, &second, &split_used);
	BUG_UNLESS(whole.is_at_end == split.is_at_end);
	BUG_UNLESS(whole.problems == split.problems);
	BUG_UNLESS(whole_used == split_used);
	BUG_UNLESS(slice_eq(buf_slice(&first), buf_slice(&second)));
	buf_free(&first);
	buf_free(&second);
}

static void
check_round_trip(struct slice input)
{
	struct dot_encoder encoder;
	struct dot_decoder decoder;
	struct buf encoded, decoded;
	size_t used;

	buf_init(&encoded, 3 * input.len + 16);
	buf_init(&decoded, 3 * input.len + 16);
	dot_encode_init(&encoder);
	BUG_UNLESS(dot_encode(&encoder, input, &encoded));
	BUG_UNLESS(dot_encode_end(&encoder, &encoded));
	decoder = decode(buf_slice(&encoded), encoded.len, &decoded, &used);
	BUG_UNLESS(decoder.is_at_end && used == encoded.len);
	BUG_UNLESS((decoder.problems & (DOT_BARE_LF | DOT_BARE_CR)) == 0);
	buf_free(&encoded);
	buf_free(&decoded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_split(slice_make(data, size));
	check_round_trip(slice_make(data, size));
	return 0;
}
