/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/front.h"
#include "common/limits.h"
#include "common/log.h"

#include "smtpd/greylist.h"
#include "smtpd/verify_memory.h"
#include "smtpd/verify_modules.h"

static bool
is_wanted(const struct settings *settings)
{
	return settings->greylist;
}

/* Passes of a network count up; with enough of them it is not asked. */
static bool
is_known_network(
    struct verify *verify, struct state_file *state, const char *network)
{
	const struct settings *settings = verify->settings;
	uint64_t now = (uint64_t)time(NULL);
	struct state_record record;

	if (settings->greylist_passes == 0 ||
	    !state_take(state, slice_of(network), now, &record))
		return false;
	if (record.count < settings->greylist_passes) {
		state_leave(state);
		return false;
	}
	record.last = now;
	record.expires = now + settings->greylist_lifetime;
	state_put(state, &record);
	return true;
}

static void
count_pass(struct verify *verify, struct state_file *state, const char *network)
{
	uint64_t now = (uint64_t)time(NULL);
	struct state_record record;

	if (!state_take(state, slice_of(network), now, &record))
		return;
	if (record.count < UINT32_MAX)
		record.count++;
	record.last = now;
	record.expires = now + verify->settings->greylist_lifetime;
	state_put(state, &record);
}

/* Case means nothing here; a field cannot run into the next. */
static void
make_key(const struct verify *verify, const char *network,
    struct slice recipient, struct buf *key)
{
	buf_add_format(key, "%s %zu ", network, verify->sender.len);
	buf_add(key, verify->sender);
	buf_add_char(key, ' ');
	buf_add(key, recipient);
	for (size_t i = 0; i < key->len; i++)
		key->ptr[i] = ascii_lower(key->ptr[i]);
}

/* Seconds to wait, 0 to pass. *is_first: it passes for the first time. */
static uint64_t
judge(struct verify *verify, struct state_file *state, struct slice key,
    bool *is_first)
{
	const struct settings *settings = verify->settings;
	const struct greylist_rule rule = { settings->greylist_delay,
		settings->greylist_window, settings->greylist_lifetime };
	uint64_t now = (uint64_t)time(NULL), wait;
	struct state_record record;

	*is_first = false;
	if (!state_take(state, key, now, &record))
		return 0;
	wait = greylist_judge(&record, now, &rule);
	*is_first = wait == 0 && record.count == 1;
	state_put(state, &record);
	return wait;
}

static void
ask(struct verify *verify, void *none, const struct verify_question *question,
    struct verify_reply *reply)
{
	char network[NETWORK_TEXT_SIZE];
	struct state_file *state;
	struct buf key;
	uint64_t wait;
	bool is_first;

	(void)none;
	if (question->is_exempt || verify->is_trusted || verify->is_allowed ||
	    verify->facts.listener != LISTENER_SMTP ||
	    verify->facts.peer.family == 0)
		return;
	state = verify_memory_open(
	    &verify->memory, verify->settings, MEMORY_GREYLIST);
	verify_network_format(&verify->facts.peer, network);
	if (state == NULL || is_known_network(verify, state, network))
		return;
	buf_init(&key, 8 * LIMIT_SMTP_PATH);
	make_key(verify, network, question->recipient, &key);
	wait = judge(verify, state, buf_slice(&key), &is_first);
	buf_free(&key);
	if (is_first)
		count_pass(verify, state, network);
	if (wait > 0)
		verify_refuse(reply, 451, "4.7.1",
		    "greylisted: %s is new here, try again in %llu seconds",
		    network, (unsigned long long)wait);
}

const struct verify_module verify_greylist_module = {
	.name = "greylist",
	.asks = VERIFY_ASKS(VERIFY_RCPT),
	.is_wanted = is_wanted,
	.ask = ask,
};
