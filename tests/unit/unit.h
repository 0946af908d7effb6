/* SPDX-License-Identifier: ISC */
/*
 * unit - what every unit test includes: cmocka and its needs, in order.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

/* cmocka wants these before itself. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <sys/wait.h>
#include <unistd.h>

#include "common/slice.h"

#define assert_slice_equal(actual, expected)                            \
	do {                                                            \
		struct slice actual_ = (actual), expected_ = (expected); \
		assert_int_equal(actual_.len, expected_.len);           \
		if (expected_.len > 0)                                  \
			assert_memory_equal(                            \
			    actual_.ptr, expected_.ptr, expected_.len); \
	} while (0)

/* A test's own directory with all in it; 0 when it is gone. */
static inline int
remove_folder(const char *path)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", path, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return status;
}

#endif
