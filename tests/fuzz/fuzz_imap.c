/* SPDX-License-Identifier: ISC */
/*
 * fuzz_imap - the bytes as a login dialogue, and as commands after login
 * (with SEARCH and FETCH in them). First byte: how the input is split.
 */
#include "config.h"

#include <stdint.h>

#include "imapd/command.h"
#include "imapd/login.h"

#define MEMORY ((size_t)1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
run_login(struct slice input, size_t step)
{
	static const struct listener listener = { .name = "imap" };
	char hostname[] = "host";
	const struct settings settings = { .hostname = hostname };
	const struct connection connection = { .settings = &settings,
		.listener = &listener,
		.may_auth_in_clear = true,
		.mechanisms = ~0U };
	enum login_effect effect = LOGIN_READ;
	struct login login;
	struct slice piece = { NULL, 0 };

	login_init(&login, &connection);
	while (effect == LOGIN_READ || effect == LOGIN_AUTH) {
		effect = login_step(&login, &piece);
		buf_clear(&login.replies);
		if (effect == LOGIN_AUTH)
			login_answered(&login, AUTH_RESULT_NO);
		if (effect != LOGIN_READ || piece.len > 0)
			continue;
		if (input.len == 0)
			break;
		piece = slice_first(input, step);
		input = slice_from(input, step);
	}
	login_clear(&login);
}

static void
run_commands(struct slice input)
{
	struct arena *arena = arena_new("fuzz", MEMORY);
	struct command command;
	enum reader_status status;
	struct reader reader;
	struct slice data;
	const char *error;

	reader_init(&reader, 4096, 4096);
	while ((status = reader_next(&reader, &input, &data)) != READER_MORE &&
	       status != READER_TOO_LONG) {
		struct slice text = buf_slice(&reader.command);

		if (status == READER_COMMAND)
			(void)command_parse(
			    &command, text, STATE_SELECTED, arena, &error);
		else if (status == READER_LITERAL &&
			 command_parse_append(&command, text, arena))
			reader_stream(&reader);
		else if (status == READER_LITERAL && !reader_collect(&reader))
			reader_refuse(&reader);
		arena_reset(arena);
	}
	reader_free(&reader);
	arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	run_login(slice_make(data + 1, size - 1), (size_t)data[0] % 64 + 1);
	run_commands(slice_make(data + 1, size - 1));
	return 0;
}
