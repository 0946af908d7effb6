/* SPDX-License-Identifier: ISC */
/*
 * filter_helper - starting filter programs for verify, which may start none.
 *
 * filter_helper_start, before the jail, forks a process that runs as
 * _mpverify in the jail "filter" and reads nothing but small requests: start
 * filter number N, wait for N. It has the command lines from the settings,
 * so what is started cannot be chosen by whoever owns verify. It ends with
 * verify, and ends what it has started.
 */
#ifndef SMTPD_FILTER_HELPER_H
#define SMTPD_FILTER_HELPER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/filter_spec.h"
#include "common/result.h"
#include "common/settings.h"

/* In the child this never returns. The descriptor, or -1 with why. */
int filter_helper_start(const struct settings *settings,
    const struct filter_specs *specs, struct why *why);

struct filter_process {
	int stream; /* a socket: its standard input and output */
	int errors; /* its standard error; -1: that is our log */
};

/* The caller closes both. */
bool filter_helper_run(int helper, size_t number,
    struct filter_process *process, struct why *why);
/* Wait until deadline (io.h) for filter number to end, then kill it. *status
 * is that of wait(2). False: nothing is known of it. */
bool filter_helper_wait(int helper, size_t number, int64_t deadline,
    int *status);

#endif
