/* SPDX-License-Identifier: ISC */
/*
 * relay_spawn - starts relay processes for qmgr.
 *
 * Descriptor 0 is the pipe to qmgr: SPAWN_AGENT in, with the pipe of the new
 * agent attached; nothing out. Started as root, it is _mprelay before it
 * reads the first request, so the ids in a request are not looked at. It
 * never reads a job. It ends when qmgr does; its relays end by themselves.
 */
#ifndef QUEUE_RELAY_SPAWN_H
#define QUEUE_RELAY_SPAWN_H

#include "common/settings.h"

/* A program_fn. */
int
relay_spawn_run(const struct settings *settings, int argc, char *const argv[]);

#endif
