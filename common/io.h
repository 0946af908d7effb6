/* SPDX-License-Identifier: ISC */
/*
 * io - reading and writing descriptors with deadlines.
 *
 * A deadline is an absolute time of the monotonic clock in milliseconds, so
 * a slow peer cannot renew it byte by byte; IO_FOREVER never passes. Works on
 * blocking and non-blocking descriptors, sockets and pipes alike; EINTR is
 * retried. A closed peer never raises SIGPIPE when the process ignores it.
 */
#ifndef COMMON_IO_H
#define COMMON_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice.h"

enum io_status { IO_OK, IO_EOF, IO_TIMEOUT, IO_ERROR };

#define IO_FOREVER INT64_MAX

int64_t io_now(void);                    /* monotonic milliseconds */
int64_t io_deadline(unsigned int seconds); /* now + seconds */

/* Wait until fd is readable (or writable). */
enum io_status io_wait_readable(int fd, int64_t deadline);
enum io_status io_wait_writable(int fd, int64_t deadline);
/* At least one byte, at most size; *got says how many. */
enum io_status io_read_some(int fd, void *bytes, size_t size, size_t *got,
    int64_t deadline);
/* Exactly size bytes; an end before the first byte is IO_EOF, an end in the
 * middle is IO_ERROR with errno EPROTO. */
enum io_status io_read_all(int fd, void *bytes, size_t size,
    int64_t deadline);
enum io_status io_write_all(int fd, struct slice s, int64_t deadline);

bool io_set_nonblocking(int fd, bool on);
bool io_set_cloexec(int fd, bool on);
/* Send small replies at once (TCP_NODELAY); no error on other descriptors. */
void io_set_nodelay(int fd);
const char *io_status_text(enum io_status status);

#endif
