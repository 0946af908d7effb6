/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/control.h"

#include <errno.h>
#include <string.h>

#include "common/limits.h"

#define CONTROL_SIZE 8

/* "MPC", type, value in little endian. */
static const char control_magic[3] = { 'M', 'P', 'C' };

static bool
control_is_known(uint8_t type)
{
	return (type >= CONTROL_ENQUEUE && type <= CONTROL_MAIL) ||
	       type == CONTROL_XCLIENT || type == CONTROL_XFORWARD ||
	       (type >= CONTROL_READY && type <= CONTROL_FAILED);
}

enum io_status
control_send(int fd, struct control control)
{
	char frame[CONTROL_SIZE];

	memcpy(frame, control_magic, sizeof(control_magic));
	frame[3] = (char)control.type;
	for (size_t i = 0; i < 4; i++)
		frame[4 + i] = (char)(control.value >> (8 * i));
	return io_write_all(
	    fd, slice_make(frame, sizeof(frame)), io_deadline(TIMEOUT_PIPE));
}

enum io_status
control_receive(int fd, struct control *control, int64_t deadline)
{
	unsigned char frame[CONTROL_SIZE];
	enum io_status status = io_read_all(fd, frame, sizeof(frame), deadline);

	memset(control, 0, sizeof(*control));
	if (status != IO_OK)
		return status;
	if (memcmp(frame, control_magic, sizeof(control_magic)) != 0 ||
	    !control_is_known(frame[3])) {
		errno = EPROTO;
		return IO_ERROR;
	}
	control->type = frame[3];
	for (size_t i = 0; i < 4; i++)
		control->value |= (uint32_t)frame[4 + i] << (8 * i);
	return IO_OK;
}
