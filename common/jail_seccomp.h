/* SPDX-License-Identifier: ISC */
/*
 * jail_seccomp - system call filters, made by hand.
 *
 * Each class of calls is a set of numbers, compiled into a search tree, and
 * a few calls whose arguments are looked at. What is not listed kills the
 * process; what libc tries and can do without (a socket to nscd, a clone3)
 * gets an error instead. Filters are built in memory of the caller at each
 * use: a few microseconds less than keeping them would save.
 */
#ifndef COMMON_JAIL_SECCOMP_H
#define COMMON_JAIL_SECCOMP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/jail.h"

struct sock_filter;

#define JAIL_FILTER_MAX 1024

/* The filter of a class into JAIL_FILTER_MAX places; 0 for JAIL_CALLS_ANY.
 * Returns the number of instructions. */
size_t jail_seccomp_build(enum jail_calls calls, struct sock_filter *filter);
/* Install it for this process. Success where the kernel has no seccomp;
 * nothing in builds with sanitizers. Wants no_new_privs. */
bool jail_seccomp_enter(enum jail_calls calls, struct why *why);

#endif
