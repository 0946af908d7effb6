/* SPDX-License-Identifier: ISC */
/*
 * tracee - one traced process: its registers, its memory, its names.
 *
 * x86-64 only: a call is undone by its number, and its result is written
 * into a register. The process has to be stopped.
 */
#ifndef TESTS_TORTURE_TRACEE_H
#define TESTS_TORTURE_TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tests/torture/calls.h"

struct tracee {
	pid_t pid; /* 0: the place is free */
	char name[16];
	bool is_known;    /* its first stop is over */
	bool is_in_call;  /* stops at the end of the call, too */
	bool is_answered; /* result is written at its end */
	bool is_point;    /* this call is the one */
	bool is_changed;  /* an argument is set back at its end */
	long result;
	const struct call *call;
	unsigned long arguments[6];
	/* A call that was put off (plant.h). */
	const struct call *late;
	int late_from, late_to;
	char late_old[300], late_new[300];
};

/* What it is called now. */
void tracee_read_name(struct tracee *tracee);
/* arguments, and the number. */
long tracee_read_call(struct tracee *tracee);
/* At the entry: it does nothing and gives result. */
void tracee_skip_call(struct tracee *tracee, long result);
/* At the entry: argument (0 to 2) becomes value, for the kernel alone. */
void tracee_set_argument(
    struct tracee *tracee, unsigned int argument, unsigned long value);
/* At the end: the arguments as the program has them in its registers. */
void tracee_restore_arguments(struct tracee *tracee);
void tracee_set_result(const struct tracee *tracee, long result);
bool tracee_read_string(
    const struct tracee *tracee, unsigned long at, char *text, size_t size);
/* Its descriptor is a socket or a pipe. */
bool tracee_is_stream(const struct tracee *tracee, unsigned long fd);
/* The call is one of ld.so's, before the program's own begin. */
bool tracee_is_loading(const struct tracee *tracee);
/* Arguments as text. */
void tracee_describe(const struct tracee *tracee, char *text, size_t size);

#endif
