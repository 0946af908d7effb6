/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <time.h>

#include "common/front.h"
#include "common/io.h"
#include "common/limits.h"
#include "common/log.h"

#include "smtpd/verify_memory.h"
#include "smtpd/verify_modules.h"

/* Does a client wait for its turn? A program that only wants to get rid of
 * its mail often does not. Who did so is remembered, and never waits. */

static bool
is_wanted(const struct settings *settings)
{
	return settings->greet_pause > 0;
}

static struct state_file *
open_memory(struct verify *verify)
{
	return verify_memory_open(
	    &verify->memory, verify->settings, MEMORY_GREETINGS);
}

static bool
is_known(struct verify *verify, const char *network)
{
	struct state_file *state = open_memory(verify);
	struct state_record record;

	return state != NULL &&
	       state_find(
		   state, slice_of(network), (uint64_t)time(NULL), &record) &&
	       record.count > 0;
}

static void
remember(struct verify *verify, const char *network, bool has_waited)
{
	struct state_file *state = open_memory(verify);
	uint64_t now = (uint64_t)time(NULL);
	struct state_record record;

	if (state == NULL ||
	    !state_take(state, slice_of(network), now, &record))
		return;
	record.count = has_waited;
	record.last = now;
	record.expires = now + (has_waited ? LIMIT_GREETING_MEMORY : 1);
	state_put(state, &record);
}

/* What is left of the pause, after the time that names took. */
static uint32_t
pause_left(const struct verify *verify)
{
	int64_t left = verify->connected +
		       (int64_t)verify->settings->greet_pause * 1000 - io_now();

	return left > 0 ? (uint32_t)left : 0;
}

static void
ask(struct verify *verify, void *none, const struct verify_question *question,
    struct verify_reply *reply)
{
	static const char *const faults[EARLY_COUNT] = {
		[EARLY_TALK] = "spoke before it was greeted",
		[EARLY_PIPELINE] = "sent commands ahead of their turn",
	};
	char network[NETWORK_TEXT_SIZE], peer[NETADDR_TEXT_SIZE];

	(void)none;
	if (verify->is_trusted || verify->facts.listener != LISTENER_SMTP ||
	    verify->facts.peer.family == 0)
		return;
	verify_network_format(&verify->facts.peer, network);
	if (question->early == EARLY_ASK) {
		if (!verify->facts.is_tls && !is_known(verify, network))
			reply->code = pause_left(verify);
		return;
	}
	remember(verify, network, question->early == EARLY_QUIET);
	if (question->early != EARLY_QUIET)
		verify_refuse(reply, 550, "5.5.1",
		    "client [%s] %s: a mail server waits for its turn",
		    netaddr_format(&verify->facts.peer, peer),
		    faults[question->early]);
}

const struct verify_module verify_greet_module = {
	.name = "greeting",
	.asks = VERIFY_ASKS(VERIFY_GREET),
	.is_wanted = is_wanted,
	.ask = ask,
};
