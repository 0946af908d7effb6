/* SPDX-License-Identifier: ISC */
/*
 * filter_command - what a program that reads a message and ends has said.
 *
 * What filter_command_run.c needs and does no I/O: the message as it is fed to
 * the program (LF line ends), its output as a message again (CRLF), the
 * verdict of its exit status and the reason on its standard error.
 *
 *     pass= (0)               pass; with mode=print its output is the message
 *     spam=                   refuse, or hold where then=quarantine
 *     65, 69, 77              refuse (sysexits: data, unavailable, noperm)
 *     75                      later
 *     anything else, signals  it failed: default=
 */
#ifndef SMTPD_FILTER_COMMAND_H
#define SMTPD_FILTER_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/filter_spec.h"
#include "common/result.h"
#include "common/slice.h"
#include "common/spill.h"

enum filter_verdict { FILTER_PASSES, FILTER_REFUSES, FILTER_LATER,
	FILTER_HOLDS, FILTER_FAILED };

void filter_command_feed(struct buf *out, struct slice bytes);
/* At most 4096 bytes at once; *last is '\n' at first. */
bool filter_command_take(struct spill *printed, char *last,
    struct slice bytes, struct why *why);
/* status: of wait(2). */
enum filter_verdict filter_command_verdict(const struct filter_spec *spec,
    int status);
void filter_command_reason(struct slice errors, char *reason, size_t size);

#endif
