/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/auth.h"

#include <poll.h>
#include <string.h>

#include "common/control.h"
#include "common/front.h"
#include "common/io.h"
#include "common/pipemsg.h"

static bool
is_credential(const struct sasl *sasl)
{
	return sasl->password.len > 0;
}

static void
fill(const struct sasl *sasl, struct message *message)
{
	if (sasl->is_running && sasl->is_cancelled) {
		message_begin(message, AUTH_CANCEL_MESSAGE);
	} else if (sasl->is_running) {
		message_begin(message, AUTH_RESPONSE_MESSAGE);
		message_put_slice(message, buf_slice(&sasl->response));
	} else if (is_credential(sasl)) {
		message_begin(message, AUTH_CREDENTIAL_MESSAGE);
		message_put_string(message, sasl_name(sasl));
		message_put_slice(message, buf_slice(&sasl->user));
		message_put_slice(message, buf_slice(&sasl->password));
	} else {
		message_begin(message, AUTH_BEGIN_MESSAGE);
		message_put_string(message, sasl_name(sasl));
		message_put_slice(message, buf_slice(&sasl->response));
	}
}

static bool
send_request(struct sasl *sasl)
{
	struct control control = { .type = CONTROL_AUTH };
	struct message message;
	bool ok;

	message_init(&message);
	fill(sasl, &message);
	ok = (sasl->is_running ||
		 control_send(SESSION_CONTROL, control) == IO_OK) &&
	     message_send(&message, SESSION_AUTH, io_deadline(TIMEOUT_PIPE)) ==
		 IO_OK;
	explicit_bzero(message.frame.ptr, message.frame.size);
	message_free(&message);
	sasl->is_running = true;
	return ok;
}

/* A message of auth. False: it is no challenge. */
static bool
take_message(struct sasl *sasl, bool *is_bad)
{
	struct message message;
	struct slice challenge;
	bool is_challenge = false;
	uint8_t bad = 0;

	message_init(&message);
	if (message_receive(
		&message, SESSION_AUTH, io_deadline(TIMEOUT_PIPE)) != IO_OK) {
		*is_bad = true;
	} else if (message.type == AUTH_CHALLENGE_MESSAGE) {
		buf_clear(&sasl->challenge);
		is_challenge = message_get_slice(&message, &challenge) &&
			       buf_add(&sasl->challenge, challenge);
	} else {
		*is_bad |= message_get_u8(&message, &bad) && bad != 0;
	}
	message_free(&message);
	return is_challenge;
}

static enum auth_result
take_answer(bool is_bad)
{
	struct control control;

	if (control_receive(SESSION_CONTROL, &control,
		io_deadline(TIMEOUT_AUTH + TIMEOUT_PIPE)) != IO_OK)
		return AUTH_RESULT_LATER;
	if (control.type == CONTROL_AUTH_OK)
		return AUTH_RESULT_YES;
	if (control.type == CONTROL_AUTH_NO)
		return is_bad ? AUTH_RESULT_BAD : AUTH_RESULT_NO;
	return AUTH_RESULT_LATER;
}

/* auth may have died without a word, then only the front speaks. */
static bool
wait_for_either(bool *has_message)
{
	struct pollfd pollers[2] = {
		{ .fd = SESSION_AUTH, .events = POLLIN },
		{ .fd = SESSION_CONTROL, .events = POLLIN },
	};
	int n = poll(pollers, 2, 1000 * (TIMEOUT_AUTH + TIMEOUT_PIPE));

	*has_message = n > 0 && (pollers[0].revents & POLLIN) != 0;
	return n > 0;
}

enum auth_result
auth_ask(struct sasl *sasl)
{
	enum auth_result result = AUTH_RESULT_LATER;
	bool has_message = false, is_bad = sasl->is_cancelled;

	if (send_request(sasl) && wait_for_either(&has_message)) {
		if (has_message && take_message(sasl, &is_bad))
			return AUTH_RESULT_CHALLENGE;
		result = take_answer(is_bad);
	}
	sasl->is_running = false;
	return result;
}
