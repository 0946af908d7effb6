/* SPDX-License-Identifier: ISC */
/*
 * transfer - queued messages as one stream: out of one host, into another.
 *
 *     MERPATI-QUEUE 1
 *     ID LENGTH REASONS      and as many bytes of the queue file, and of why/ID
 *     ...
 *     END COUNT
 *
 * A message keeps its id, age, attempts, recipients still to be served and
 * reasons. It is written anew and synced like one that enqueue takes, after
 * its checksums were compared. An id that is in the queue, or that the
 * journal says came before, is passed over: a stream may come twice. What is
 * not yet held may be delivered by the host it leaves, too: hold it first.
 * The stream is trusted as far as root's own commands are, its form is not.
 */
#ifndef QUEUE_TRANSFER_H
#define QUEUE_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/result.h"

/* Export: in this order, to a file or a pipe. */
bool transfer_begin(FILE *out, struct why *why);
/* fd: the queue file. */
bool
transfer_put(FILE *out, int spool_fd, int fd, const char *id, struct why *why);
bool transfer_end(FILE *out, size_t count, struct why *why);

enum transfer_outcome {
	TRANSFER_TAKEN,
	TRANSFER_TAKEN_HELD,
	TRANSFER_KNOWN,   /* it is, or was, here already */
	TRANSFER_REFUSED, /* damaged: why */
	TRANSFER_OUTCOMES
};
typedef void transfer_fn(void *context, const char *id,
    enum transfer_outcome outcome, const char *why);

struct transfer {
	int spool_fd;
	uint64_t journal_life; /* of settings */
	uint64_t minimum_free; /* bytes that stay free */
	transfer_fn *each;
	void *context;
};
/* False: the rest of the stream was not taken, why says the reason; the same
 * stream may be given again. */
bool
transfer_import(const struct transfer *transfer, FILE *in, struct why *why);

#endif
