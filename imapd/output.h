/* SPDX-License-Identifier: ISC */
/*
 * output - what the session says: collected, and given to a sink in pieces.
 *
 * The core writes to buf and calls output_settle after each response line;
 * past OUTPUT_PIECE bytes the sink takes them. Large bodies pass through
 * output_body without being copied. The sink is the network, a test or a
 * fuzzer; after it failed once everything is thrown away.
 */
#ifndef IMAPD_OUTPUT_H
#define IMAPD_OUTPUT_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/slice.h"

#define OUTPUT_PIECE   32768
#define OUTPUT_CEILING ((size_t)64 * 1024 * 1024)

typedef bool output_sink_fn(void *context, struct slice bytes);

struct output {
	struct buf buf;
	output_sink_fn *sink;
	void *context;
	bool is_broken;
};

void output_init(struct output *output, output_sink_fn *sink, void *context);
void output_free(struct output *output);
void output_settle(struct output *output);
void output_flush(struct output *output);
/* Bytes of a literal; NUL, which IMAP cannot carry, becomes 0x80. */
void output_body(struct output *output, struct slice bytes);

#endif
