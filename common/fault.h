/* SPDX-License-Identifier: ISC */
/*
 * fault - commit points that a test can kill at.
 *
 * Every system call that changes what a crash leaves behind has a number in
 * its folder's README ("[A9]") and a fault_point("A9") right after it. In a
 * build with --enable-fault-points the process whose MERPATI_FAULT_POINT is
 * "A9" or "A9:3" (the third time) kills itself there with SIGKILL; in any
 * other build the call is nothing.
 */
#ifndef COMMON_FAULT_H
#define COMMON_FAULT_H

#ifdef WITH_FAULT_POINTS
void fault_point(const char *name);
#else
#define fault_point(name) ((void)0)
#endif

#endif
