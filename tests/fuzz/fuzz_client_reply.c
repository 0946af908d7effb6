/* SPDX-License-Identifier: ISC */
/*
 * fuzz_client_reply - a hostile server against the SMTP client. The first
 * byte chooses options and how the input is split; whatever is said, every
 * recipient ends with a verdict and no line of ours is broken in two.
 */
#include "config.h"

#include <stdint.h>

#include "common/buf.h"
#include "common/result.h"

#include "queue/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct play {
	struct client client;
	struct client_message message;
	struct client_recipient recipients[3];
	struct buf said;
	bool is_over;
};

/* Each LF of the client has its CR, and no CR stands alone. */
static void
check_said(const struct buf *said)
{
	for (size_t i = 0; i < said->len; i++) {
		if (said->ptr[i] == '\n')
			BUG_UNLESS(i > 0 && said->ptr[i - 1] == '\r');
		if (said->ptr[i] == '\r')
			BUG_UNLESS(
			    i + 1 < said->len && said->ptr[i + 1] == '\n');
	}
	BUG_UNLESS(!said->failed);
}

static void
play_input(struct play *play, struct slice input)
{
	struct client *client = &play->client;

	while (!play->is_over) {
		switch (client_step(client, &input, &play->said)) {
		case CLIENT_READ:
			return;
		case CLIENT_HANDSHAKE:
			client_set_tls(client, true);
			break;
		case CLIENT_READY:
			client_begin(client, &play->message);
			break;
		case CLIENT_BODY:
			client_body(client, S(".\nx\r.\r\n"), &play->said);
			client_body_end(client, &play->said);
			break;
		case CLIENT_FINISHED:
		case CLIENT_CLOSED:
			play->is_over = true;
			break;
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int choice = size > 0 ? data[0] : 0;
	const struct client_options options = { .hostname = "me.test",
		.tls_level = (enum tls_level)(choice % 3),
		.may_auth_in_clear = (choice & 4) != 0,
		.login = { "u", (choice & 8) ? 1 : 0 },
		.password = { "p", 1 } };
	struct play play = { .message = { .recipient_count = 3,
				 .size = choice,
				 .is_8bit = (choice & 16) != 0 } };
	struct slice input = slice_make(data, size);
	size_t piece = (choice & 32) ? 1 : 7;

	play.message.recipients = play.recipients;
	for (size_t i = 0; i < 3; i++)
		play.recipients[i].address = S("b@x.test");
	client_init(&play.client, &options);
	buf_init(&play.said, 1 << 20);
	for (input = slice_from(input, 1); input.len > 0 && !play.is_over;
	     input = slice_from(input, piece))
		play_input(&play, slice_first(input, piece));
	if (!play.is_over)
		client_lose(&play.client, "4.4.2", "lost connection");
	for (size_t i = 0; i < 3 && play.client.message != NULL; i++)
		BUG_UNLESS(play.recipients[i].verdict.status != 0);
	check_said(&play.said);
	client_clear(&play.client);
	buf_free(&play.said);
	return 0;
}
