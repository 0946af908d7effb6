/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/login_io.h"

#include <string.h>

#include "common/handover.h"
#include "common/io.h"
#include "common/limits.h"
#include "common/log.h"

#include "imapd/login.h"

#define INPUT_SIZE 8192

struct login_io {
	struct login login;
	struct slice input;
	int64_t end; /* of the time for logging in */
	char bytes[INPUT_SIZE];
};

static bool
send_replies(struct login_io *io)
{
	struct buf *replies = &io->login.replies;
	bool ok =
	    replies->len == 0 ||
	    io_write_all(SESSION_OUTPUT, buf_slice(replies), io->end) == IO_OK;

	buf_clear(replies);
	return ok;
}

static bool
perform_read(struct login_io *io)
{
	enum io_status status;
	size_t got = 0;

	if (!send_replies(io))
		return false;
	if (io->input.len > 0)
		return true;
	status = io_read_some(
	    SESSION_INPUT, io->bytes, sizeof(io->bytes), &got, io->end);
	io->input = slice_make(io->bytes, got);
	if (status == IO_TIMEOUT) {
		login_timed_out(&io->login);
		io->end = io_deadline(1);
	}
	return status == IO_OK || status == IO_TIMEOUT;
}

static bool
perform_auth(struct login_io *io)
{
	login_answered(&io->login, auth_ask(&io->login.sasl));
	return true;
}

/* Bytes behind STARTTLS came in clear: they die with this process. */
static bool
perform_starttls(struct login_io *io)
{
	struct control control = { .type = CONTROL_STARTTLS };

	if (send_replies(io))
		control_send(SESSION_CONTROL, control);
	return false;
}

static bool
perform_handover(struct login_io *io)
{
	struct control control = { .type = CONTROL_HANDOVER };

	if (send_replies(io) && handover_send(SESSION_HANDOVER,
				    buf_slice(&io->login.tag), io->input))
		control_send(SESSION_CONTROL, control);
	return false;
}

static bool
perform_close(struct login_io *io)
{
	send_replies(io);
	return false;
}

int
login_io_run(const struct connection *connection)
{
	static bool (*const perform[])(struct login_io *) = {
		[LOGIN_READ] = perform_read,
		[LOGIN_AUTH] = perform_auth,
		[LOGIN_STARTTLS] = perform_starttls,
		[LOGIN_HANDOVER] = perform_handover,
		[LOGIN_CLOSE] = perform_close,
	};
	struct login_io io = { .input = { NULL, 0 } };

	io.end = io_deadline(TIMEOUT_LOGIN);
	login_init(&io.login, connection);
	while (perform[login_step(&io.login, &io.input)](&io))
		continue;
	login_clear(&io.login);
	explicit_bzero(io.bytes, sizeof(io.bytes));
	return 0;
}
