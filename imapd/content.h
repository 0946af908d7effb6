/* SPDX-License-Identifier: ISC */
/*
 * content - one message file, read as far as a command needs it.
 *
 * Bytes are those of the wire: CRLF line ends, whatever the file has. The
 * last message read is kept until another is asked for, since clients fetch
 * large parts in pieces. Slices given out are valid that long.
 */
#ifndef IMAPD_CONTENT_H
#define IMAPD_CONTENT_H

#include <stdbool.h>
#include <time.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/mailbox/mailbox.h"
#include "common/mime/structure.h"

enum content_part {
	CONTENT_OPEN,
	CONTENT_HEADER,
	CONTENT_WHOLE
};

struct content {
	uint32_t uid; /* 0: none */
	int fd;       /* -1: closed */
	time_t date;
	bool has_header, is_whole;
	struct buf bytes;
	size_t header_length;
	struct arena *arena;
	struct mime_part *root; /* NULL until asked for */
};

void content_init(struct content *message);
void content_clear(struct content *message);
/* False with why when it cannot be read, mostly because it vanished. */
bool content_load(struct content *message, struct folder *folder, size_t index,
    enum content_part part, struct why *why);
/* After content_load with CONTENT_HEADER or more. */
struct slice content_header(const struct content *message);
/* After CONTENT_WHOLE. NULL: too complex for its arena. */
const struct mime_part *content_root(struct content *message);

#endif
