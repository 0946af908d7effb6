/* SPDX-License-Identifier: ISC */
/*
 * program_main - the main() of a program that has no option but -c FILE.
 *
 * Reads the settings, opens the log and runs the program_fn. Settings in
 * error are logged, all of them, and end it with EX_CONFIG; any other option
 * or an operand prints the usage and ends it with EX_USAGE. A program with
 * options of its own has a main of its own.
 */
#ifndef COMMON_PROGRAM_MAIN_H
#define COMMON_PROGRAM_MAIN_H

#include "common/program.h"

struct program_main {
	const char *name;     /* as in program_directory: for the usage */
	const char *log_name; /* in log lines */
	const char *settings; /* whose overrides hold: "deliver" */
	program_fn *run;
};

/* Returns the exit code. */
int program_main(const struct program_main *program, int argc, char *argv[]);

#endif
