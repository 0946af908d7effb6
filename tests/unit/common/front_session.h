/* SPDX-License-Identifier: ISC */
/*
 * front_session - what tests of the front need: the session's words to it, and
 * both ends of a connection over loopback.
 */
#ifndef TESTS_UNIT_COMMON_FRONT_SESSION_H
#define TESTS_UNIT_COMMON_FRONT_SESSION_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/control.h"
#include "common/front.h"
#include "common/io.h"

#include "tests/unit/unit.h"

static inline bool
ask(enum control_type type)
{
	struct control control = { .type = (uint8_t)type };

	return control_send(SESSION_CONTROL, control) == IO_OK;
}

static inline int
answer(void)
{
	struct control control;

	if (control_receive(SESSION_CONTROL, &control, io_deadline(20)) !=
	    IO_OK)
		return -1;
	return control.type;
}

static inline int
done(void)
{
	return write(SESSION_OUTPUT, "done", 4) == 4 ? 0 : 1;
}

/* Both ends of a connection over loopback. */
static inline void
connect_pair(int ends[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&address, &size), 0);
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    connect(ends[0], (struct sockaddr *)&address, size), 0);
	ends[1] = accept(listener, NULL, NULL);
	assert_true(ends[1] >= 0);
	close(listener);
}

#endif
