/* SPDX-License-Identifier: ISC */
/*
 * dot - the one dot codec (RFC 5321 section 4.5.2, RFC 1939 section 3).
 *
 * Decoder: fed bytes of any split, gives the message bytes out with CRLF
 * line ends. Only CRLF.CRLF ends the data. Anything that another server
 * might read as an end (a bare LF or a bare CR) is reported in problems; the
 * decoder still runs to the true end, so that nothing that follows can be
 * mistaken for a command. The result does not depend on how input is split.
 * Encoder: any of CRLF, LF, CR becomes CRLF; leading dots are doubled;
 * dot_encode_end adds a last CRLF where it is missing, and ".CRLF".
 */
#ifndef COMMON_DOT_H
#define COMMON_DOT_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/slice.h"

enum dot_problem {
	DOT_BARE_LF = 1 << 0,
	DOT_BARE_CR = 1 << 1,
	DOT_NUL = 1 << 2,
	DOT_LONG_LINE = 1 << 3,
};

struct dot_decoder {
	unsigned int problems; /* enum dot_problem bits seen so far */
	size_t line_limit;     /* longest line without CRLF */
	size_t line_length;
	unsigned char state;
	bool is_at_end;
};

void dot_decode_init(struct dot_decoder *decoder, size_t line_limit);
/*
 * Decode from *input (moved past what was used) into out, whose room bounds
 * how much is taken at a time. True when the end was reached: the rest of
 * *input is not data.
 */
bool dot_decode(struct dot_decoder *decoder, struct slice *input,
    struct buf *out);

struct dot_encoder {
	bool is_at_line_start;
	bool is_after_cr;
};

void dot_encode_init(struct dot_encoder *encoder);
/* Append the encoding of input to out; false when out is full. */
bool dot_encode(struct dot_encoder *encoder, struct slice input,
    struct buf *out);
bool dot_encode_end(struct dot_encoder *encoder, struct buf *out);

#endif
