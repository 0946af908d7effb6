/* SPDX-License-Identifier: ISC */
/*
 * command - one line of the control FIFO (mailq to qmgr), as data.
 *
 *     retry all | retry ID | retry domain=NAME
 *     hold ID | hold ID until=SECONDS
 *     release ID | delete ID | bounce ID
 *     pause PAUSE | drain PAUSE | resume PAUSE (pause.h)
 *     reload | pickup
 *
 * The FIFO is open to root and _mpqueue only, but a line may be torn or
 * forged by a broken tool: what is not exactly this grammar is refused. Pure.
 */
#ifndef QUEUE_COMMAND_H
#define QUEUE_COMMAND_H

#include <stdbool.h>

#include "common/slice.h"
#include "common/spoolfile.h"

#include "queue/pause.h"

#define COMMAND_LINE_MAX 512

enum command_verb {
	COMMAND_RETRY,
	COMMAND_HOLD,
	COMMAND_RELEASE,
	COMMAND_DELETE,
	COMMAND_BOUNCE,
	COMMAND_RELOAD,
	COMMAND_PICKUP,
	COMMAND_PAUSE,
	COMMAND_DRAIN,
	COMMAND_RESUME,
};

enum command_object {
	COMMAND_NOTHING = 1 << 0,
	COMMAND_ALL = 1 << 1,
	COMMAND_ID = 1 << 2,
	COMMAND_DOMAIN = 1 << 3,
	COMMAND_PAUSED = 1 << 4,
};

struct command {
	enum command_verb verb;
	enum command_object object;
	char id[SPOOL_ID_SIZE]; /* COMMAND_ID */
	struct slice domain;    /* COMMAND_DOMAIN, into the line */
	uint64_t until;         /* COMMAND_HOLD: wall seconds, 0 no end */
	struct pause pause;     /* COMMAND_PAUSED */
};

/* line is without its newline. */
bool command_parse(struct slice line, struct command *command);

#endif
