/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <time.h>

#include "common/front.h"
#include "common/limits.h"

#include "smtpd/rate.h"
#include "smtpd/verify_memory.h"
#include "smtpd/verify_modules.h"

/* Connections and messages of networks, recipients of users. */

static bool
is_wanted(const struct settings *settings)
{
	return settings->rate_connections > 0 || settings->rate_messages > 0 ||
	       settings->rate_user.count > 0;
}

/* True while it is within the limit, or when nobody can say. */
static bool
count(struct verify *verify, enum verify_memory_kind kind, const char *key,
    const struct rate_rule *rule)
{
	struct state_file *state =
	    verify_memory_open(&verify->memory, verify->settings, kind);
	uint64_t now = (uint64_t)time(NULL);
	struct state_record record;
	bool is_within;

	if (state == NULL || !state_take(state, slice_of(key), now, &record))
		return true;
	is_within = rate_add(&record, now, rule);
	state_put(state, &record);
	return is_within;
}

static bool
count_network(struct verify *verify, char kind, uint64_t limit,
    char network[NETWORK_TEXT_SIZE])
{
	const struct rate_rule rule = { .limit = limit, .period = 60 };
	char key[NETWORK_TEXT_SIZE + 8];

	verify_network_format(&verify->facts.peer, network);
	snprintf(key, sizeof(key), "%c %s", kind, network);
	return limit == 0 || count(verify, MEMORY_RATES, key, &rule);
}

/* With a pause before the greeting verify is asked once more after STARTTLS:
 * the connection was counted then, unless a proxy named it only now. */
static bool
is_new_connection(const struct verify *verify)
{
	return verify->settings->greet_pause == 0 || !verify->facts.is_tls ||
	       verify->facts.is_claimed_in_tls;
}

static bool
is_stranger(const struct verify *verify)
{
	return !verify->is_trusted && verify->facts.listener == LISTENER_SMTP &&
	       verify->facts.peer.family != 0;
}

static void
ask_connect(struct verify *verify, struct verify_reply *reply)
{
	uint64_t limit = verify->settings->rate_connections;
	char network[NETWORK_TEXT_SIZE];

	if (is_stranger(verify) && is_new_connection(verify) &&
	    !count_network(verify, 'c', limit, network))
		verify_refuse(reply, 421, "4.7.0",
		    "too many connections from %s, at most %llu a minute: "
		    "try again later",
		    network, (unsigned long long)limit);
}

static void
ask_mail(struct verify *verify, struct verify_reply *reply)
{
	uint64_t limit = verify->settings->rate_messages;
	char network[NETWORK_TEXT_SIZE];

	if (is_stranger(verify) && !count_network(verify, 'm', limit, network))
		verify_refuse(reply, 451, "4.7.1",
		    "too many messages from %s, at most %llu a minute: try "
		    "again later",
		    network, (unsigned long long)limit);
}

/* Who pays; false: nobody. root and what it does for all is not a user. */
static bool
user_name(const struct verify *verify, char *name, size_t size)
{
	if (verify->login.len > 0)
		snprintf(name, size, "%.*s", SLICE_FMT(verify->login));
	else if (verify->facts.listener == INJECT_LOCAL &&
		 verify->facts.uid != 0)
		snprintf(
		    name, size, "uid %lu", (unsigned long)verify->facts.uid);
	else
		return false;
	return true;
}

/* Was the user not told in this period? Then it is done now. */
static bool
has_to_tell(struct verify *verify, const char *user, uint64_t period)
{
	const struct rate_rule once = { .limit = 1, .period = period };
	char key[LIMIT_USER_NAME + 32];

	snprintf(
	    key, sizeof(key), "t %llu %s", (unsigned long long)period, user);
	return count(verify, MEMORY_USERS, key, &once);
}

static const char *
period_name(uint64_t period)
{
	return period == 60 ? "a minute" : period == 3600 ? "an hour" : "a day";
}

static void
ask_rcpt(struct verify *verify, struct verify_reply *reply)
{
	const struct string_list *rules = &verify->settings->rate_user;
	char user[LIMIT_USER_NAME + 1], key[LIMIT_USER_NAME + 32];
	struct rate_rule rule;

	if (!user_name(verify, user, sizeof(user)))
		return;
	for (size_t i = 0; i < rules->count; i++) {
		if (!rate_parse(slice_of(rules->items[i]), &rule, NULL))
			continue;
		snprintf(key, sizeof(key), "u %llu %s",
		    (unsigned long long)rule.period, user);
		if (count(verify, MEMORY_USERS, key, &rule))
			continue;
		verify_hold(reply, "%s has more than %llu recipients in %s",
		    user, (unsigned long long)rule.limit,
		    period_name(rule.period));
		if (has_to_tell(verify, user, rule.period))
			reply->code = VERIFY_TELL;
		return;
	}
}

static void
ask(struct verify *verify, void *state, const struct verify_question *question,
    struct verify_reply *reply)
{
	(void)state;
	if (question->type == VERIFY_CONNECT)
		ask_connect(verify, reply);
	else if (question->type == VERIFY_MAIL)
		ask_mail(verify, reply);
	else
		ask_rcpt(verify, reply);
}

const struct verify_module verify_rate_module = {
	.name = "rates",
	.asks = VERIFY_ASKS(VERIFY_CONNECT) | VERIFY_ASKS(VERIFY_MAIL) |
		VERIFY_ASKS(VERIFY_RCPT),
	.is_wanted = is_wanted,
	.ask = ask,
};
