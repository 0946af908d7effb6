/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "pop3d/pop3d.h"

#include <string.h>
#include <sysexits.h>

#include "common/auth.h"
#include "common/control.h"
#include "common/handover.h"
#include "common/io.h"
#include "common/limits.h"
#include "common/log.h"

#include "pop3d/login.h"

#define INPUT_SIZE 8192

static bool
flush(struct pop3_login *login, int64_t deadline)
{
	bool ok = io_write_all(SESSION_OUTPUT, buf_slice(&login->out),
		      deadline) == IO_OK;

	buf_clear(&login->out);
	return ok;
}

static int
hand_over(struct slice unread)
{
	const struct control request = { .type = CONTROL_HANDOVER };

	if (!handover_send(SESSION_HANDOVER, S(""), unread) ||
	    control_send(SESSION_CONTROL, request) != IO_OK)
		return EX_IOERR;
	return EX_OK;
}

static int
start_tls(struct pop3_login *login, int64_t deadline)
{
	const struct control request = { .type = CONTROL_STARTTLS };

	if (!flush(login, deadline) ||
	    control_send(SESSION_CONTROL, request) != IO_OK)
		return EX_IOERR;
	return EX_OK;
}

/* One effect. True: go on reading; else *code is the exit code. */
static bool
perform(struct pop3_login *login, enum pop3_login_effect effect,
    struct slice *unread, int64_t deadline, int *code)
{
	enum auth_result result;

	while (effect == LOGIN_CHECK) {
		result = auth_ask(&login->sasl);
		if (result == AUTH_RESULT_YES && flush(login, deadline)) {
			*code = hand_over(*unread);
			return false;
		}
		effect = pop3_login_answered(login, result);
		if (effect == LOGIN_CONTINUE)
			effect = pop3_login_feed(login, unread);
	}
	*code = EX_OK;
	if (effect == LOGIN_STARTTLS) {
		*code = start_tls(login, deadline);
		return false;
	}
	return flush(login, deadline) && effect == LOGIN_CONTINUE;
}

static int
serve(struct pop3_login *login, const char *id)
{
	int64_t deadline = io_deadline(TIMEOUT_LOGIN);
	char bytes[INPUT_SIZE];
	enum io_status status;
	struct slice unread;
	size_t got;
	int code = EX_OK;

	for (;;) {
		if (!flush(login, deadline))
			return EX_OK;
		status = io_read_some(
		    SESSION_INPUT, bytes, sizeof(bytes), &got, deadline);
		if (status != IO_OK) {
			log_info("%s: pop3: %s before login", id,
			    io_status_text(status));
			return EX_OK;
		}
		unread = slice_make(bytes, got);
		do
			if (!perform(login, pop3_login_feed(login, &unread),
				&unread, deadline, &code))
				return code;
		while (unread.len > 0);
	}
}

static int
pop3d_session(const struct connection *connection)
{
	const struct pop3_offer offer = {
		.may_login =
		    connection->is_tls || connection->may_auth_in_clear,
		.mechanisms = connection->mechanisms,
		.may_stls = !connection->is_tls,
	};
	struct pop3_login login;
	int code;

	pop3_login_init(&login, &offer);
	/* After STLS there is no second greeting (RFC 2595 section 4). */
	if (!connection->is_tls || connection->listener->is_tls)
		pop3_login_greet(&login, connection->settings->hostname);
	code = serve(&login, connection->id);
	pop3_login_free(&login);
	return code;
}

const struct front pop3d_front = {
	.program = "pop3d",
	.jail = "pop3d-login",
	.session = pop3d_session,
	.mailbox = "pop3d-mailbox",
};

int
pop3d_program(const struct settings *settings, int argc, char *const argv[])
{
	return front_run(&pop3d_front, settings, argc, argv);
}
