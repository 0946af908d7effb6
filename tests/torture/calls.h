/* SPDX-License-Identifier: ISC */
/*
 * calls - the system calls that the tracer stops at, as a table.
 *
 * CALL_CHANGES: what it does can be seen from outside the process: on disk,
 * by a peer, by a parent. A kill between two of these is the same as a kill
 * right before the second, so the kill points are these. The other bits say
 * which errors a kernel can give.
 */
#ifndef TESTS_TORTURE_CALLS_H
#define TESTS_TORTURE_CALLS_H

#include <stdbool.h>
#include <stddef.h>

enum call_kind {
	CALL_CHANGES = 1 << 0, /* C */
	CALL_DISK = 1 << 1,    /* D: EIO; with C also ENOSPC, EDQUOT, EROFS */
	CALL_OPENS = 1 << 2,   /* O: EMFILE */
	CALL_MEMORY = 1 << 3,  /* M: ENOMEM */
	CALL_SLOW = 1 << 4,    /* S: EINTR */
	CALL_SIZED = 1 << 5,   /* P: fewer bytes than asked for */
};

/* When an argument has to be looked at. */
enum call_test {
	TEST_NONE,
	TEST_ANY_BIT,
	TEST_EQUAL,
};

struct call {
	long number;
	const char *name;
	unsigned int kinds;
	enum call_test test;
	unsigned int argument;
	unsigned int value;
	const char *format; /* d: descriptor, p: path, n: number, -: nothing */
};

/* NULL: not in the table, or not of these kinds. */
const struct call *
call_find(long number, const unsigned long arguments[6], unsigned int kinds);
/* "CDO", or "-" for none */
const char *call_letters(unsigned int kinds, char text[8]);
/* In this process and all that come from it, calls of these kinds stop for
 * the tracer. */
bool calls_filter(unsigned int kinds);

#endif
