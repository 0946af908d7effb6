/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/enqueue_access.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/log.h"

#include "queue/enqueue_policy.h"

enum {
	KEY_MAX = 600
};

/* "550", then perhaps "5.7.1", off the front of *text. */
static void
take_code(struct slice *text, struct inject_reply *reply)
{
	struct slice word, rest, class, detail;
	uint64_t code, number;

	slice_cut(*text, ' ', &word, &rest);
	if (word.len != 3 || !slice_u64(word, 599, &code) || code < 400 ||
	    code == 421)
		return;
	*text = slice_trim(rest);
	reply->code = (uint32_t)code;
	snprintf(reply->status, sizeof(reply->status), "%u.7.1",
	    (unsigned int)(code / 100));
	slice_cut(*text, ' ', &word, &rest);
	if (slice_cut(word, '.', &class, &detail) &&
	    slice_u64(class, 5, &number) && number == code / 100 &&
	    slice_cut(detail, '.', &class, &detail) &&
	    slice_u64(class, 999, &number) && slice_u64(detail, 999, &number) &&
	    slice_to_array(word, reply->status, sizeof(reply->status)))
		*text = slice_trim(rest);
}

static void
parse_refusal(struct slice text, unsigned int code, const char *what,
    struct access_result *result)
{
	struct inject_reply *reply = &result->reply;
	char status[sizeof(reply->status)];

	answer_set(reply, code, code < 500 ? "4.7.1" : "5.7.1", "%s", what);
	take_code(&text, reply);
	memcpy(status, reply->status, sizeof(status));
	if (text.len > 0)
		answer_set(reply, reply->code, status, "%.*s",
		    SLICE_FMT(slice_first(text, 400)));
	result->action = ACCESS_REFUSE;
}

void
access_parse(struct slice value, struct access_result *result)
{
	struct slice word, text;

	memset(result, 0, sizeof(*result));
	value = slice_trim(value);
	slice_cut(value, ' ', &word, &text);
	text = slice_trim(text);
	result->action = ACCESS_BROKEN;
	if (slice_eq_nocase(word, S("OK")) && text.len == 0)
		result->action = ACCESS_OK;
	else if (slice_eq_nocase(word, S("REJECT")))
		parse_refusal(text, 554, "access denied", result);
	else if (slice_eq_nocase(word, S("DEFER")))
		parse_refusal(text, 450, "not now, try again later", result);
	else if (slice_eq_nocase(word, S("DISCARD")) && text.len == 0)
		result->action = ACCESS_DISCARD;
	else if (slice_eq_nocase(word, S("HOLD"))) {
		result->action = ACCESS_HOLD;
		answer_set(&result->reply, 0, "", "%.*s",
		    SLICE_FMT(slice_first(
			text.len > 0 ? text : S("by the access table"), 200)));
	}
}

/* True when there is a row; a broken one is logged and refuses for now, as
 * its writer wanted something. */
static bool
take_value(struct slice key, struct slice value, size_t line,
    struct access_result *result)
{
	access_parse(value, result);
	if (result->action != ACCESS_BROKEN)
		return true;
	log_error("access:%zu: %.*s: %.*s is none of OK, REJECT, DEFER, HOLD, "
		  "DISCARD",
	    line, SLICE_FMT(key), SLICE_FMT(slice_first(value, 100)));
	answer_set(&result->reply, 451, "4.3.5",
	    "the access table of this host has an error, try again later");
	result->action = ACCESS_REFUSE;
	return true;
}

static bool
find(struct table *table, const char *kind, struct slice pattern,
    struct arena *arena, struct access_result *result)
{
	struct slice value = { NULL, 0 };
	struct buf key;
	size_t line = 0;
	bool is_found;

	buf_init(&key, KEY_MAX);
	buf_add_format(&key, "%s:", kind);
	buf_add(&key, pattern);
	is_found = !key.failed && table_find(table, buf_slice(&key), arena,
				      &value, &line, NULL) == RESULT_OK;
	if (is_found)
		(void)take_value(buf_slice(&key), value, line, result);
	buf_free(&key);
	return is_found;
}

/* The name, then ".parent" for each of its parents. */
static bool
find_name(struct table *table, const char *kind, struct slice name,
    struct arena *arena, struct access_result *result)
{
	size_t dot;

	if (name.len == 0 || name.len > LIMIT_SMTP_DOMAIN)
		return false;
	if (find(table, kind, name, arena, result))
		return true;
	while ((dot = slice_index(name, '.')) < name.len) {
		name = slice_from(name, dot);
		if (find(table, kind, name, arena, result))
			return true;
		name = slice_from(name, 1);
	}
	return false;
}

struct client_search {
	const struct netaddr *addr;
	struct access_result *result;
	int bits; /* of the best row so far, -1 none */
};

static bool
look_at_row(void *context, struct slice key, struct slice value, size_t line)
{
	struct client_search *search = context;
	struct network network;

	if (slice_starts_nocase(key, S("client:")) &&
	    network_parse(slice_from(key, 7), &network) &&
	    network.bits > search->bits &&
	    network_contains(&network, search->addr)) {
		search->bits = network.bits;
		(void)take_value(key, value, line, search->result);
	}
	return true;
}

void
access_find_client(struct table *table, const struct access_client *client,
    struct arena *arena, struct access_result *result)
{
	struct client_search search = { &client->addr, result, -1 };

	memset(result, 0, sizeof(*result));
	if (table == NULL || client->addr.family == 0)
		return;
	/* The longest prefix: one walk over the rows, once a connection. */
	(void)table_each(table, look_at_row, &search, NULL);
	if (search.bits < 0)
		(void)find_name(table, "client", client->name, arena, result);
}

void
access_find_helo(struct table *table, struct slice helo, struct arena *arena,
    struct access_result *result)
{
	memset(result, 0, sizeof(*result));
	if (table != NULL)
		(void)find_name(table, "helo", helo, arena, result);
}

void
access_find_address(struct table *table, const char *kind, struct slice address,
    struct arena *arena, struct access_result *result)
{
	size_t at = slice_last_index(address, '@');

	memset(result, 0, sizeof(*result));
	if (table == NULL || address.len > 2 * LIMIT_SMTP_PATH)
		return;
	if (address.len == 0)
		address = S("<>");
	if (find(table, kind, address, arena, result) || at >= address.len)
		return;
	if (!find_name(table, kind, slice_from(address, at + 1), arena, result))
		(void)find(
		    table, kind, slice_first(address, at + 1), arena, result);
}
