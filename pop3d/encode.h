/* SPDX-License-Identifier: ISC */
/*
 * encode - a stored message as RETR and TOP send it.
 *
 * LF without CR becomes CRLF, a line that begins with a dot gets another
 * (RFC 1939 section 3), a NUL is sent as 0x80, since clients hang on it.
 * A CR alone stays, so that the octets sent, dots not counted, are those
 * that LIST promised; only a last line without its end gets one more. With
 * body_lines the output stops after that many lines of the body.
 */
#ifndef POP3D_ENCODE_H
#define POP3D_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/slice.h"

struct pop3_encoder {
	uint64_t body_lines; /* still to be sent */
	bool is_in_body;
	bool is_line_empty; /* nothing of the line yet but CR */
	bool is_at_start;   /* of a line */
	bool has_cr;        /* held back */
	bool is_full;       /* TOP has its lines */
};

void pop3_encode_init(struct pop3_encoder *encoder, uint64_t body_lines);
/* out takes at most three bytes for each of input. */
bool
pop3_encode(struct pop3_encoder *encoder, struct slice input, struct buf *out);
/* The end of the message, and ".CRLF". */
bool pop3_encode_end(struct pop3_encoder *encoder, struct buf *out);

#endif
