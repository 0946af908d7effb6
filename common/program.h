/* SPDX-License-Identifier: ISC */
/*
 * program - the programs that a front or the super-server can start.
 *
 * A program is a function that runs in a child process. Where the binary has
 * it linked in (merpatid has smtpd's front, enqueue, the login fronts),
 * starting it is one fork; else program_directory/NAME is executed. The
 * binary says what it has in program_table, ended by a NULL name, defined
 * once in its *_main.c. Both ways the child sees the same descriptors and
 * arguments, so a program does not know how it was started.
 *
 * Descriptors of each program are fixed; the enums below are the contract.
 */
#ifndef COMMON_PROGRAM_H
#define COMMON_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/result.h"
#include "common/settings.h"

/* arguments: argv style, arguments[0] the program's name. Returns the exit
 * code. settings were read by the caller, or by main when executed. */
typedef int program_fn(const struct settings *settings, int argc,
    char *const argv[]);

struct program {
	const char *name;
	program_fn *run;
};

extern const struct program program_table[];

#define PROGRAM_ARGUMENTS_MAX   10
#define PROGRAM_DESCRIPTORS_MAX 8

/* Child's descriptor n is the parent's descriptors[n], or /dev/null where
 * that is -1; 2 is always the log; everything else is closed. SIGPIPE is
 * ignored, every other signal has its default, none is blocked. */
struct program_start {
	const char *name;
	/* After the name; NULL ends. */
	const char *arguments[PROGRAM_ARGUMENTS_MAX];
	int descriptors[PROGRAM_DESCRIPTORS_MAX];
	int descriptor_count;
};

/* The child's pid, or -1 with why. The parent keeps its descriptors. */
pid_t program_spawn(const struct settings *settings,
    const struct program_start *start, struct why *why);
/* Replace this process: no fork. Returns only on failure. */
bool program_exec(const struct settings *settings,
    const struct program_start *start, struct why *why);

/* The child's side of both, without the program: signals and descriptors as
 * start says. For a child that goes on in its own code (the session). */
bool program_settle(const struct program_start *start, struct why *why);

/* A child of the caller's own code, on the other end of a socket pair: what
 * has to start things goes into one before its parent enters a jail. The
 * parent's end, or -1 with why; pid may be NULL. run does not return. */
typedef void program_helper_fn(const void *context, int fd);
int program_fork_helper(program_helper_fn *run, const void *context,
    pid_t *pid, struct why *why);

/* Descriptors. 0 and 1 are the network (or the TLS process), 2 the log. */
enum enqueue_descriptor {
	ENQUEUE_FACTS = 3,   /* from the front: inject.h facts, sessions */
};
enum verify_descriptor {
	VERIFY_ENQUEUE = 0,  /* the other end: struct message, verify.h */
};
enum auth_descriptor {
	AUTH_CREDENTIAL = 0, /* socketpair to the session: auth.h */
	AUTH_VERDICT = 3,    /* to the front: struct auth_verdict */
	AUTH_FACTS = 4,      /* from the front: struct auth_facts */
};
enum tls_descriptor {
	TLS_NETWORK = 0,     /* the socket */
	TLS_PLAINTEXT = 3,   /* socketpair to the session (or to relay) */
	TLS_STATUS = 4,      /* to the front: struct tls_status, once */
};
enum mailbox_descriptor {
	MAILBOX_NETWORK = 0, /* and 1 */
	MAILBOX_HANDOVER = 3, /* pipe: front's facts, then login's bytes */
};

#endif
