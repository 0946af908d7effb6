/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "common/limits.h"
#include "common/pipemsg.h"

#include "queue/relay_outside.h"

/* The helper may have others before us, each for as long as this. */
#define WAIT_SECONDS (4 * TIMEOUT_TOKEN)

int
relay_outside_find(void)
{
	socklen_t size = sizeof(int);
	int type = 0;

	if (getsockopt(RELAY_OUTSIDE, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		return -1;
	return type == SOCK_STREAM ? RELAY_OUTSIDE : -1;
}

/* Send the question, take the answer: u8 ok, text. fd may be NULL. */
static bool
ask(struct message *message, int helper, int *fd, struct slice *text,
    struct why *why)
{
	int64_t deadline = io_deadline(WAIT_SECONDS);
	enum io_status status = IO_ERROR;
	uint8_t ok = 0;

	if (helper >= 0)
		status = message_send(message, helper, deadline);
	if (status == IO_OK)
		status = fd == NULL ? message_receive(message, helper, deadline)
				    : message_receive_fd(
					  message, helper, fd, deadline);
	if (status != IO_OK)
		return why_set(why, "nobody outside the jail answers");
	if (message->type != OUTSIDE_RESULT || !message_get_u8(message, &ok) ||
	    !message_get_slice(message, text) || !message_end(message))
		return why_set(why, "malformed answer from outside the jail");
	return ok != 0 || why_set(why, "%.*s", SLICE_FMT(*text));
}

bool
relay_outside_token(int helper, const struct slice login_and_host[2],
    bool is_refused, struct buf *token, struct why *why)
{
	struct message message;
	struct slice text;
	bool ok;

	message_init(&message);
	message_begin(&message, OUTSIDE_TOKEN);
	message_put_u8(&message, is_refused);
	message_put_slice(&message, login_and_host[0]);
	message_put_slice(&message, login_and_host[1]);
	ok = ask(&message, helper, NULL, &text, why);
	buf_clear(token);
	if (ok)
		buf_add(token, text);
	message_free(&message);
	return ok && !token->failed;
}

int
relay_outside_socket(int helper, const char *path, struct why *why)
{
	struct message message;
	struct slice text;
	int fd = -1;
	bool ok;

	message_init(&message);
	message_begin(&message, OUTSIDE_SOCKET);
	message_put_string(&message, path);
	ok = ask(&message, helper, &fd, &text, why) && fd >= 0;
	message_free(&message);
	if (ok)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}
