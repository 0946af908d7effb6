/* SPDX-License-Identifier: ISC */
/*
 * pipemsg - framed, versioned messages between programs.
 *
 * On the wire: "MP", version, type, length (32 bits, little endian), then the
 * payload. Numbers are little endian; a slice is its length (32 bits) and its
 * bytes. The reader treats the writer as hostile: a wrong magic or version, a
 * length over the ceiling, a field that passes the end, or bytes left over
 * at message_end are all errors, after which the connection is closed.
 * A descriptor may travel with a frame on a unix socket.
 */
#ifndef COMMON_PIPEMSG_H
#define COMMON_PIPEMSG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/io.h"
#include "common/slice.h"

#define PIPEMSG_VERSION 1
#define PIPEMSG_HEADER_SIZE 8

struct message {
	struct buf frame;    /* header and payload */
	size_t position;     /* of the next get */
	uint8_t type;
	bool failed;         /* a get or put went wrong: sticky */
};

void message_init(struct message *message);
void message_free(struct message *message);

/* Writing: begin, puts, send. */
void message_begin(struct message *message, uint8_t type);
void message_put_u8(struct message *message, uint8_t value);
void message_put_u32(struct message *message, uint32_t value);
void message_put_u64(struct message *message, uint64_t value);
void message_put_slice(struct message *message, struct slice s);
void message_put_string(struct message *message, const char *string);
/* Complete the header; the frame as bytes, for writers with a queue. */
struct slice message_finish(struct message *message);
enum io_status message_send(struct message *message, int fd,
    int64_t deadline);
/* With a descriptor attached (SCM_RIGHTS); fd is a unix stream socket. */
enum io_status message_send_fd(struct message *message, int fd, int attached,
    int64_t deadline);

/* Reading one whole frame. IO_ERROR for a malformed one, errno EPROTO. */
enum io_status message_receive(struct message *message, int fd,
    int64_t deadline);
/* *attached is -1 when none came. The caller closes it. */
enum io_status message_receive_fd(struct message *message, int fd,
    int *attached, int64_t deadline);
/* Take one frame out of collected input, for poll loops. *ok false: the
 * input is malformed. Returns false when no whole frame is there. */
bool message_take(struct message *message, struct buf *input, bool *ok);

/* Each returns false, and sets failed, past the end. Slices point into the
 * message. */
bool message_get_u8(struct message *message, uint8_t *value);
bool message_get_u32(struct message *message, uint32_t *value);
bool message_get_u64(struct message *message, uint64_t *value);
bool message_get_slice(struct message *message, struct slice *s);
/* Into a NUL-terminated array; fails when too long or holding a NUL. */
bool message_get_array(struct message *message, char *array, size_t size);
/* True when every get succeeded and nothing is left over. */
bool message_end(struct message *message);

#endif
