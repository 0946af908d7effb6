/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/output.h"

void
output_init(struct output *output, output_sink_fn *sink, void *context)
{
	*output = (struct output){ .sink = sink, .context = context };
	buf_init(&output->buf, OUTPUT_CEILING);
}

void
output_free(struct output *output)
{
	buf_free(&output->buf);
}

static void
output_give(struct output *output, struct slice bytes)
{
	if (bytes.len > 0 && !output->is_broken)
		output->is_broken = !output->sink(output->context, bytes);
}

void
output_flush(struct output *output)
{
	size_t ceiling = output->buf.ceiling;

	if (output->buf.failed)
		output->is_broken = true;
	output_give(output, buf_slice(&output->buf));
	buf_clear(&output->buf);
	if (output->buf.size > (size_t)4 * OUTPUT_PIECE) {
		buf_free(&output->buf);
		buf_init(&output->buf, ceiling);
	}
}

void
output_settle(struct output *output)
{
	if (output->buf.len >= OUTPUT_PIECE)
		output_flush(output);
}

void
output_body(struct output *output, struct slice bytes)
{
	size_t n;

	while (bytes.len > 0) {
		n = slice_index(bytes, '\0');
		if (n >= OUTPUT_PIECE) {
			output_flush(output);
			output_give(output, slice_first(bytes, n));
		} else {
			buf_add(&output->buf, slice_first(bytes, n));
		}
		if (n < bytes.len)
			buf_add_char(&output->buf, (char)0x80);
		bytes = slice_from(bytes, n + 1);
		output_settle(output);
	}
}
