/* SPDX-License-Identifier: ISC */
/*
 * passing - bytes with descriptors attached (SCM_RIGHTS), over a socket pair.
 *
 * passing_send and passing_receive are for fixed structs over SOCK_SEQPACKET:
 * what one send gives, one receive takes, whole. The other two are the one
 * step of each, also for streams (pipemsg.h).
 */
#ifndef COMMON_PASSING_H
#define COMMON_PASSING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/io.h"

#define PASSING_MAX 4 /* descriptors of one message */

/* The caller keeps its descriptors. False with errno. */
bool passing_send(int fd, struct slice bytes, const int *descriptors,
    size_t count);
/* Exactly size bytes, else IO_ERROR with errno EPROTO; IO_EOF when the other
 * end is closed. descriptors has room for PASSING_MAX; what came is close on
 * exec and the caller's, -1 fills the rest. */
enum io_status passing_receive(int fd, void *bytes, size_t size,
    int *descriptors, int64_t deadline);

/* One sendmsg: what it took, or -1 with errno. */
ssize_t passing_send_some(int fd, struct slice bytes, const int *descriptors,
    size_t count);
/* One recvmsg, when there is something: *size is the room before, and what
 * came after. A message that is cut is IO_ERROR with errno EPROTO, and nothing
 * of it is kept. */
enum io_status passing_receive_some(int fd, void *bytes, size_t *size,
    int *descriptors, int64_t deadline);
/* All that came with a message. */
void passing_close(int *descriptors);

#endif
