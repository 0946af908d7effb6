/* SPDX-License-Identifier: ISC */
/*
 * fuzz_pop3 - any bytes as what a POP3 client sends before and after login,
 * and as a message to be sent. Input is split in two at a place it chooses
 * itself; the encoder's result must not depend on it.
 */
#include "config.h"

#include <stdint.h>

#include "pop3d/encode.h"
#include "pop3d/login.h"
#include "pop3d/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_login(struct slice input)
{
	const struct pop3_offer offer = {
		.may_login = true, .may_stls = true, .mechanisms = ~0U
	};
	struct pop3_login login;
	enum pop3_login_effect effect = LOGIN_CONTINUE;

	pop3_login_init(&login, &offer);
	while (input.len > 0 &&
	       (effect == LOGIN_CONTINUE || effect == LOGIN_CHECK)) {
		effect = pop3_login_feed(&login, &input);
		if (effect == LOGIN_CHECK)
			effect = pop3_login_answered(&login, AUTH_RESULT_NO);
		BUG_UNLESS(!login.out.failed);
		buf_clear(&login.out);
	}
	pop3_login_free(&login);
}

static void
fuzz_session(struct slice input)
{
	struct pop3_message messages[] = { { 1, false, "a" }, { 2, false, "b" },
		{ 3, false, "c" } };
	enum pop3_effect effect = SESSION_CONTINUE;
	struct pop3_session session;

	pop3_session_init(&session, messages, 3, false);
	while (input.len > 0 &&
	       (effect == SESSION_CONTINUE || effect == SESSION_SEND)) {
		effect = pop3_session_feed(&session, &input);
		BUG_UNLESS(effect != SESSION_SEND || session.index < 3);
		BUG_UNLESS(!session.out.failed);
		buf_clear(&session.out);
	}
	pop3_session_free(&session);
}

static void
encode(struct slice message, size_t split, struct buf *out)
{
	struct pop3_encoder encoder;

	pop3_encode_init(&encoder, message.len % 7);
	pop3_encode(&encoder, slice_first(message, split), out);
	pop3_encode(&encoder, slice_from(message, split), out);
	pop3_encode_end(&encoder, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_make(data, size);
	struct buf whole, halves;

	fuzz_login(input);
	fuzz_session(input);
	buf_init(&whole, 3 * size + 16);
	buf_init(&halves, 3 * size + 16);
	encode(input, 0, &whole);
	encode(input, size == 0 ? 0 : data[0] % size, &halves);
	BUG_UNLESS(
	    !whole.failed && slice_eq(buf_slice(&whole), buf_slice(&halves)));
	buf_free(&whole);
	buf_free(&halves);
	return 0;
}
