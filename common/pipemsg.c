/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/pipemsg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/passing.h"

void
message_init(struct message *message)
{
	memset(message, 0, sizeof(*message));
	buf_init(&message->frame, LIMIT_PIPE_MESSAGE + PIPEMSG_HEADER_SIZE);
}

void
message_free(struct message *message)
{
	buf_free(&message->frame);
}

void
message_begin(struct message *message, uint8_t type)
{
	const char header[PIPEMSG_HEADER_SIZE] = { 'M', 'P', PIPEMSG_VERSION,
		(char)type };

	buf_clear(&message->frame);
	buf_add(&message->frame, slice_make(header, sizeof(header)));
	message->type = type;
	message->position = PIPEMSG_HEADER_SIZE;
	message->failed = false;
}

static void
put_little_endian(struct message *message, uint64_t value, size_t size)
{
	char bytes[8];

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(value >> (8 * i));
	buf_add(&message->frame, slice_make(bytes, size));
}

void
message_put_u8(struct message *message, uint8_t value)
{
	put_little_endian(message, value, 1);
}

void
message_put_u32(struct message *message, uint32_t value)
{
	put_little_endian(message, value, 4);
}

void
message_put_u64(struct message *message, uint64_t value)
{
	put_little_endian(message, value, 8);
}

void
message_put_slice(struct message *message, struct slice s)
{
	if (s.len > UINT32_MAX) {
		message->failed = true;
		return;
	}
	message_put_u32(message, (uint32_t)s.len);
	buf_add(&message->frame, s);
}

void
message_put_string(struct message *message, const char *string)
{
	message_put_slice(message, slice_of(string));
}

struct slice
message_finish(struct message *message)
{
	size_t length = message->frame.len - PIPEMSG_HEADER_SIZE;

	if (message->frame.failed)
		message->failed = true;
	for (size_t i = 0; i < 4; i++)
		message->frame.ptr[4 + i] = (char)(length >> (8 * i));
	return buf_slice(&message->frame);
}

enum io_status
message_send(struct message *message, int fd, int64_t deadline)
{
	struct slice frame = message_finish(message);

	if (message->failed) {
		errno = EMSGSIZE;
		return IO_ERROR;
	}
	return io_write_all(fd, frame, deadline);
}

enum io_status
message_send_fd(struct message *message, int fd, int attached, int64_t deadline)
{
	struct slice frame = message_finish(message);
	ssize_t n;

	if (message->failed) {
		errno = EMSGSIZE;
		return IO_ERROR;
	}
	do {
		if (io_wait_writable(fd, deadline) != IO_OK)
			return IO_TIMEOUT;
		n = passing_send_some(fd, frame, &attached, 1);
	} while (n < 0 && errno == EAGAIN);
	if (n <= 0)
		return n < 0 && errno != EPIPE ? IO_ERROR : IO_EOF;
	return io_write_all(fd, slice_from(frame, (size_t)n), deadline);
}

/* The payload length of a frame header, or false when it is malformed. */
static bool
message_header(const char *header, uint32_t *length)
{
	*length = 0;
	for (size_t i = 0; i < 4; i++)
		*length |= (uint32_t)(unsigned char)header[4 + i] << (8 * i);
	if (memcmp(header, "MP", 2) != 0 || header[2] != PIPEMSG_VERSION ||
	    *length > LIMIT_PIPE_MESSAGE) {
		errno = EPROTO;
		return false;
	}
	return true;
}

static enum io_status
message_receive_rest(
    struct message *message, int fd, size_t have, int64_t deadline)
{
	char *header = message->frame.ptr;
	enum io_status status;
	uint32_t length;
	char *room;

	status = io_read_all(
	    fd, header + have, PIPEMSG_HEADER_SIZE - have, deadline);
	if (status != IO_OK)
		return have > 0 && status == IO_EOF ? IO_ERROR : status;
	if (!message_header(header, &length))
		return IO_ERROR;
	message->frame.len = PIPEMSG_HEADER_SIZE;
	message->type = (uint8_t)header[3];
	room = buf_reserve(&message->frame, length);
	if (room == NULL)
		return IO_ERROR;
	status = io_read_all(fd, room, length, deadline);
	if (status != IO_OK)
		return IO_ERROR;
	buf_commit(&message->frame, length);
	return IO_OK;
}

enum io_status
message_receive(struct message *message, int fd, int64_t deadline)
{
	message_begin(message, 0);
	return message_receive_rest(message, fd, 0, deadline);
}

/* Just one descriptor is attached to a message, or none. */
enum io_status
message_receive_fd(
    struct message *message, int fd, int *attached, int64_t deadline)
{
	int descriptors[PASSING_MAX];
	enum io_status status;
	size_t got = PIPEMSG_HEADER_SIZE;

	*attached = -1;
	message_begin(message, 0);
	status = passing_receive_some(
	    fd, message->frame.ptr, &got, descriptors, deadline);
	if (status != IO_OK)
		return status;
	if (descriptors[1] < 0)
		*attached = descriptors[0];
	else
		passing_close(descriptors);
	return message_receive_rest(message, fd, got, deadline);
}

bool
message_take(struct message *message, struct buf *input, bool *ok)
{
	uint32_t length;

	*ok = true;
	if (input->len < PIPEMSG_HEADER_SIZE)
		return false;
	*ok = message_header(input->ptr, &length);
	if (!*ok || input->len - PIPEMSG_HEADER_SIZE < length)
		return false;
	message_begin(message, (uint8_t)input->ptr[3]);
	buf_add(&message->frame,
	    slice_make(input->ptr + PIPEMSG_HEADER_SIZE, length));
	buf_consume(input, PIPEMSG_HEADER_SIZE + length);
	return true;
}

static bool
get_little_endian(struct message *message, uint64_t *value, size_t size)
{
	const char *bytes;

	*value = 0;
	if (message->failed || size > message->frame.len - message->position) {
		message->failed = true;
		return false;
	}
	bytes = message->frame.ptr + message->position;
	for (size_t i = 0; i < size; i++)
		*value |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
	message->position += size;
	return true;
}

bool
message_get_u8(struct message *message, uint8_t *value)
{
	uint64_t wide;
	bool ok = get_little_endian(message, &wide, 1);

	*value = (uint8_t)wide;
	return ok;
}

bool
message_get_u32(struct message *message, uint32_t *value)
{
	uint64_t wide;
	bool ok = get_little_endian(message, &wide, 4);

	*value = (uint32_t)wide;
	return ok;
}

bool
message_get_u64(struct message *message, uint64_t *value)
{
	return get_little_endian(message, value, 8);
}

bool
message_get_slice(struct message *message, struct slice *s)
{
	uint32_t length;

	*s = slice_make(NULL, 0);
	if (!message_get_u32(message, &length))
		return false;
	if (length > message->frame.len - message->position) {
		message->failed = true;
		return false;
	}
	*s = slice_make(message->frame.ptr + message->position, length);
	message->position += length;
	return true;
}

bool
message_get_array(struct message *message, char *array, size_t size)
{
	struct slice s;

	if (!message_get_slice(message, &s) ||
	    !slice_to_array(s, array, size)) {
		message->failed = true;
		array[0] = '\0';
		return false;
	}
	return true;
}

bool
message_end(struct message *message)
{
	return !message->failed && message->position == message->frame.len;
}
