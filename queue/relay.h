/* SPDX-License-Identifier: ISC */
/*
 * relay - the SMTP client's process: jobs in, verdicts out.
 *
 * Descriptor 0 is the pipe to qmgr (job.h); nothing else comes in but the
 * network. The program reads /etc/resolv.conf and /etc/hosts, starts its TLS
 * helper, enters the jail "relay", and then takes jobs until none comes for
 * AGENT_IDLE seconds. The connection to a host stays open in between.
 */
#ifndef QUEUE_RELAY_H
#define QUEUE_RELAY_H

#include "common/settings.h"

/* A program_fn. */
int relay_run(const struct settings *settings, int argc, char *const argv[]);

/* The loop by itself, for tests: agent is the pipe. */
struct relay;
int relay_serve(struct relay *relay, int agent);

#endif
