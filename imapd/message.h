/* SPDX-License-Identifier: ISC */
/*
 * message - one message file, read as far as a command needs it.
 *
 * Bytes are those of the wire: CRLF line ends, whatever the file has. The
 * last message read is kept until another is asked for, since clients fetch
 * large parts in pieces. Slices given out are valid that long.
 */
#ifndef IMAPD_MESSAGE_H
#define IMAPD_MESSAGE_H

#include <stdbool.h>
#include <time.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/mailbox/mailbox.h"
#include "common/mime/structure.h"

enum message_part {
	MESSAGE_OPEN,
	MESSAGE_HEADER,
	MESSAGE_WHOLE
};

struct message {
	uint32_t uid; /* 0: none */
	int fd;       /* -1: closed */
	time_t date;
	bool has_header, is_whole;
	struct buf bytes;
	size_t header_length;
	struct arena *arena;
	struct mime_part *root; /* NULL until asked for */
};

void message_init(struct message *message);
void message_clear(struct message *message);
/* False with why when it cannot be read, mostly because it vanished. */
bool message_load(struct message *message, struct folder *folder, size_t index,
    enum message_part part, struct why *why);
/* After message_load with MESSAGE_HEADER or more. */
struct slice message_header(const struct message *message);
/* After MESSAGE_WHOLE. NULL: too complex for its arena. */
const struct mime_part *message_root(struct message *message);

#endif
