/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/auth.h"

#include <string.h>

#include "common/io.h"
#include "common/pipemsg.h"

bool
auth_send(int fd, struct slice user, struct slice password, const char *service)
{
	struct message message;
	bool ok;

	if (user.len > LIMIT_USER_NAME || password.len > LIMIT_PASSWORD)
		return false;
	message_init(&message);
	message_begin(&message, AUTH_CREDENTIAL_MESSAGE);
	message_put_slice(&message, user);
	message_put_slice(&message, password);
	message_put_string(&message, service);
	ok = message_send(&message, fd, io_deadline(TIMEOUT_PIPE)) == IO_OK;
	explicit_bzero(message.frame.ptr, message.frame.size);
	message_free(&message);
	return ok;
}
