/* SPDX-License-Identifier: ISC */
/*
 * reader - collects one IMAP command out of network bytes, without I/O.
 *
 * A command is a line and, after each "{n}" at its end, n literal bytes and
 * the next line (RFC 3501 section 4.3, RFC 7888). It is collected with its
 * literals in it, line ends as CRLF, the last one left out. At each literal
 * the owner decides: collect it, stream it (APPEND) or refuse it. A line may
 * end in a bare LF, for people who type. What comes out does not depend on how
 * the input was split.
 */
#ifndef IMAPD_READER_H
#define IMAPD_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/slice.h"

enum reader_status {
	READER_MORE,     /* input used up */
	READER_COMMAND,  /* reader->command is whole */
	READER_LITERAL,  /* decide: reader_collect, _stream or _refuse */
	READER_DATA,     /* streamed bytes in *data */
	READER_STREAMED, /* the streamed literal is complete */
	READER_TOO_LONG, /* the line passes the ceiling: close */
};

enum reader_mode {
	READ_LINE,
	READ_COLLECT,
	READ_STREAM,
	READ_SKIP,
	READ_DECIDE
};

struct reader {
	struct buf command;
	size_t ceiling;    /* of the lines of a command, together */
	size_t line_bytes; /* so far */
	enum reader_mode mode;
	bool is_skipping; /* a refused command: swallow to its end */
	bool is_whole;    /* command was given out: clear it first */
	uint64_t literal_size, remaining;
	bool is_synchronous;
};

/* literals: how many bytes they may add to the lines. */
void reader_init(struct reader *reader, size_t ceiling, size_t literals);
void reader_free(struct reader *reader);
/* Give back memory of a large command. */
void reader_trim(struct reader *reader);
enum reader_status
reader_next(struct reader *reader, struct slice *input, struct slice *data);
/* After READER_LITERAL. False: it does not fit, refuse it. */
bool reader_collect(struct reader *reader);
void reader_stream(struct reader *reader);
/* Forget the command; what the client sends of it anyway is swallowed. */
void reader_refuse(struct reader *reader);

#endif
