/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/route.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/alloc.h"
#include "common/arena.h"
#include "common/crc32c.h"
#include "common/fsutil.h"
#include "common/io.h"
#include "common/log.h"
#include "common/next_hop.h"
#include "common/table.h"

#include "queue/moves.h"

#define USERS_KEPT    64
#define USERS_KEPT_MS 5000
#define TABLE_ARENA   65536

struct kept_user {
	int64_t until;
	struct user user;
};

struct kept_table {
	struct table *table;
	struct stat status; /* of the text that was read */
};

struct router {
	const struct settings *settings;
	struct kept_table routes;
	struct kept_table relays;
	struct kept_table senders;
	struct kept_table levels;
	struct kept_table destinations;
	struct moves moves;
	struct stat moves_status; /* of the file that was read */
	bool has_moves;           /* it was, or there was none */
	char moves_path[PATH_MAX];
	struct arena *arena;
	struct kept_user *kept;
};

struct router *
router_new(const struct settings *settings)
{
	struct router *router = alloc_zero(1, sizeof(*router));

	router->settings = settings;
	snprintf(router->moves_path, sizeof(router->moves_path), "%s/%s",
	    settings->queue_directory, MOVES_FILE);
	router->arena = arena_new("route", TABLE_ARENA);
	router->kept = alloc_zero(USERS_KEPT, sizeof(struct kept_user));
	return router;
}

void
router_forget(struct router *router)
{
	memset(router->kept, 0, USERS_KEPT * sizeof(struct kept_user));
}

void
router_free(struct router **router)
{
	if (*router == NULL)
		return;
	table_close(&(*router)->routes.table);
	table_close(&(*router)->relays.table);
	table_close(&(*router)->senders.table);
	table_close(&(*router)->levels.table);
	table_close(&(*router)->destinations.table);
	moves_clear(&(*router)->moves);
	arena_free(&(*router)->arena);
	alloc_release((*router)->kept);
	alloc_release(*router);
	*router = NULL;
}

static enum result
find_kept_user(
    struct router *router, const char *name, struct user *out, struct why *why)
{
	struct kept_user *kept;
	enum result result;
	unsigned int hash = 0;

	for (const char *p = name; *p != '\0'; p++)
		hash = hash * 31 + (unsigned char)*p;
	kept = &router->kept[hash % USERS_KEPT];
	if (kept->until < io_now() || strcmp(kept->user.name, name) != 0) {
		kept->until = 0;
		result = users_find_name(
		    router->settings, slice_of(name), &kept->user, why);
		if (result != RESULT_OK)
			return result;
		kept->until = io_now() + USERS_KEPT_MS;
	}
	*out = kept->user;
	return RESULT_OK;
}

/* A deliver agent is jailed for what its first job needs, so each kind has
 * agents of its own. */
static const char *
local_kind(enum target_kind kind)
{
	switch (kind) {
	case TARGET_PROGRAM:
		return "command";
	case TARGET_FILE:
		return "file";
	default:
		return "local";
	}
}

static enum result
route_local(struct router *router, const struct spool_recipient *recipient,
    struct route *out, struct why *why)
{
	enum result result =
	    find_kept_user(router, recipient->user.name, &out->user, why);

	out->is_local = true;
	if (result == RESULT_OK &&
	    !user_is_acceptable(router->settings, &out->user)) {
		why_set(
		    why, "user %s may not receive mail here", out->user.name);
		snprintf(why->status, sizeof(why->status), "5.2.1");
		return RESULT_NEVER;
	}
	if (result == RESULT_OK)
		snprintf(out->key, sizeof(out->key), "%s:%u:%s",
		    local_kind((enum target_kind)recipient->kind),
		    (unsigned int)out->user.uid, out->user.name);
	else if (result == RESULT_NEVER && why->status[0] == '\0')
		snprintf(why->status, sizeof(why->status), "5.1.1");
	if (result == RESULT_NEVER && why->text[0] == '\0')
		snprintf(why->text, sizeof(why->text), "user unknown");
	return result;
}

/* One key of a table; the value lives until the next look-up. */
static enum result
look_up(struct router *router, struct table *table, struct slice key,
    struct slice *value, struct why *why)
{
	enum result result;
	size_t line;

	arena_reset(router->arena);
	result = table_find(table, key, router->arena, value, &line, why);
	*value = slice_trim(*value);
	return result;
}

/* An edited table counts from the next message. The stat comes first: what is
 * written between the two is seen the next time. */
static bool
open_table(struct kept_table *kept, const char *path, struct why *why)
{
	struct stat status;

	fs_note(path, &status);
	if (kept->table != NULL && fs_is_same(&status, &kept->status))
		return true;
	table_close(&kept->table);
	kept->table = table_open(path, TABLE_KEY_VALUE, NULL, why);
	kept->status = status;
	return kept->table != NULL;
}

static enum result
keep_nexthop(
    enum result result, struct slice value, struct route *out, struct why *why)
{
	if (result != RESULT_OK ||
	    slice_to_array(value, out->nexthop, sizeof(out->nexthop)))
		return result;
	why_set(why, "the next hop of %s is too long", out->domain);
	return RESULT_LATER;
}

/* "a.b.example", ".b.example", ".example" */
static enum result
look_up_parents(struct router *router, struct table *table, struct slice key,
    struct slice *value, struct why *why)
{
	enum result result = RESULT_NEVER;

	while (result == RESULT_NEVER && key.len > 0) {
		result = look_up(router, table, key, value, why);
		key = slice_from(key, 1);
		key = slice_from(key, slice_index(key, '.'));
	}
	return result;
}

/* RESULT_NEVER: route_map has nothing for this domain (for "*"). */
static enum result
find_in_route_map(struct router *router, const char *first, struct route *out,
    struct why *why)
{
	struct slice key = slice_of(first), value = { NULL, 0 };
	enum result result;

	if (router->settings->route_map[0] == '\0')
		return RESULT_NEVER;
	if (!open_table(&router->routes, router->settings->route_map, why))
		return RESULT_LATER;
	result =
	    look_up_parents(router, router->routes.table, key, &value, why);
	return keep_nexthop(result, value, out, why);
}

/* The sender's address in lower case, and then "@domain". */
static bool
sender_key(
    struct slice sender, char key[ROUTE_SENDER_SIZE], const char **domain)
{
	if (sender.len == 0 || !slice_to_array(sender, key, ROUTE_SENDER_SIZE))
		return false;
	for (char *c = key; *c != '\0'; c++)
		*c = ascii_lower(*c);
	*domain = strrchr(key, '@');
	return *domain != NULL;
}

static enum result
find_by_sender(struct router *router, struct slice sender, struct route *out,
    struct why *why)
{
	const char *path = router->settings->sender_route_map, *domain;
	char key[ROUTE_SENDER_SIZE];
	struct slice value = { NULL, 0 };
	enum result result;

	if (path[0] == '\0' || !sender_key(sender, key, &domain))
		return RESULT_NEVER;
	if (!open_table(&router->senders, path, why))
		return RESULT_LATER;
	result =
	    look_up(router, router->senders.table, slice_of(key), &value, why);
	if (result == RESULT_NEVER)
		result = look_up(router, router->senders.table,
		    slice_of(domain), &value, why);
	return keep_nexthop(result, value, out, why);
}

/* "WHO>HOST", with or without its port; WHO may be "". */
static enum result
look_up_login(struct router *router, const char *who, const struct route *out,
    struct slice *value, struct why *why)
{
	struct slice host = next_hop_key(slice_of(out->nexthop));
	const char *mark = who[0] == '\0' ? "" : ">";
	char key[ROUTE_SENDER_SIZE + ROUTE_HOST_SIZE];
	enum result result;

	snprintf(key, sizeof(key), "%s%s%.*s", who, mark, SLICE_FMT(host));
	result =
	    look_up(router, router->relays.table, slice_of(key), value, why);
	if (result != RESULT_NEVER)
		return result;
	host = slice_first(host, slice_last_index(host, ':'));
	snprintf(key, sizeof(key), "%s%s%.*s", who, mark, SLICE_FMT(host));
	return look_up(router, router->relays.table, slice_of(key), value, why);
}

/* A login without a password has tokens. */
static enum result
keep_login(struct router *router, struct slice value, struct route *out,
    struct why *why)
{
	struct slice login, password;
	bool has_password = slice_cut(value, ':', &login, &password);

	if ((has_password ||
		router->settings->relay_token_command[0] != '\0') &&
	    login.len > 0 && (password.len > 0 || !has_password) &&
	    slice_to_array(login, out->login, sizeof(out->login)) &&
	    slice_to_array(password, out->password, sizeof(out->password)))
		return RESULT_OK;
	why_set(why,
	    "relay_map: %s needs user:password, or a user and "
	    "relay_token_command",
	    out->nexthop);
	return RESULT_LATER;
}

/* relay_map is keyed by the host as written, after the sender, if it is for
 * that sender alone: a password goes nowhere but to the host it is for. */
static enum result
find_login(struct router *router, struct slice sender, struct route *out,
    struct why *why)
{
	char key[ROUTE_SENDER_SIZE];
	const char *domain;
	struct slice value = { NULL, 0 };
	enum result result = RESULT_NEVER;

	if (router->settings->relay_map[0] == '\0')
		return RESULT_OK;
	if (!open_table(&router->relays, router->settings->relay_map, why)) {
		why_context(why, "relay_map (see mailctl permissions)");
		return RESULT_LATER;
	}
	if (sender_key(sender, key, &domain)) {
		result = look_up_login(router, key, out, &value, why);
		if (result == RESULT_NEVER)
			result =
			    look_up_login(router, domain, out, &value, why);
		out->is_by_sender = result == RESULT_OK;
	}
	if (result == RESULT_NEVER)
		result = look_up_login(router, "", out, &value, why);
	if (result != RESULT_OK)
		return result == RESULT_NEVER ? RESULT_OK : result;
	return keep_login(router, value, out, why);
}

static bool
no_route(const struct route *route, struct why *why)
{
	why_set(why,
	    "no way to %s: internet = no, and route_map does not "
	    "name it",
	    route->domain);
	snprintf(why->status, sizeof(why->status), "5.4.4");
	return false;
}

static enum result
route_by_settings(struct router *router, struct route *out, struct why *why)
{
	const struct settings *settings = router->settings;

	if (settings->internet == INTERNET_NO) {
		no_route(out, why);
		return RESULT_NEVER;
	}
	if (settings->relayhost[0] == '\0' &&
	    settings->internet == INTERNET_SMARTHOST) {
		why_set(why, "internet = smarthost needs relayhost");
		return RESULT_LATER;
	}
	if (!slice_to_array(slice_of(settings->relayhost), out->nexthop,
		sizeof(out->nexthop))) {
		why_set(why, "relayhost is too long");
		return RESULT_LATER;
	}
	return RESULT_OK;
}

/* Who serves this domain by name, then who serves this sender, then who serves
 * the rest. */
static enum result
find_nexthop(struct router *router, struct slice sender, struct route *out,
    struct why *why)
{
	enum result result = find_in_route_map(router, out->domain, out, why);

	if (result == RESULT_NEVER && router->settings->internet != INTERNET_NO)
		result = find_by_sender(router, sender, out, why);
	if (result == RESULT_NEVER)
		result = find_in_route_map(router, "*", out, why);
	if (result == RESULT_NEVER)
		result = route_by_settings(router, out, why);
	return result;
}

/* Domains behind one host share its agents, its limit and its jobs; the job's
 * domain is then that of the first of them. */
static void
set_key(struct route *out)
{
	struct next_hop hop;
	bool is_by_mx = out->nexthop[0] == '\0' ||
			(next_hop_parse(slice_of(out->nexthop), &hop, NULL) &&
			    hop.kind == NEXT_HOP_MX && hop.name[0] == '\0');

	snprintf(out->key, sizeof(out->key), "smtp:%s:%s%s%s:%s", out->nexthop,
	    is_by_mx ? out->domain : "", out->is_by_sender ? ":" : "",
	    out->is_by_sender ? out->login : "",
	    tls_level_name(out->tls_level));
}

static enum result
keep_level(struct slice value, struct route *out, struct why *why)
{
	if (tls_level_find(value, &out->tls_level))
		return RESULT_OK;
	why_set(why,
	    "tls_policy_map: \"%.*s\" for %s is not none, may, encrypt or "
	    "verify",
	    SLICE_FMT(slice_first(value, 40)), out->domain);
	return RESULT_LATER;
}

/* Next hop as written, domain, ".parent", "*". */
static enum result
look_up_destination(struct router *router, struct table *table,
    const struct route *route, struct slice *value, struct why *why)
{
	enum result result = RESULT_NEVER;

	if (route->nexthop[0] != '\0')
		result = look_up(
		    router, table, slice_of(route->nexthop), value, why);
	if (result == RESULT_NEVER)
		result = look_up_parents(
		    router, table, slice_of(route->domain), value, why);
	if (result == RESULT_NEVER)
		result = look_up(router, table, S("*"), value, why);
	return result;
}

/* What cannot be read is no reason to send in clear. */
static enum result
find_level(struct router *router, struct route *out, struct why *why)
{
	const struct settings *settings = router->settings;
	struct slice value = { NULL, 0 };
	enum result result;

	out->tls_level = (enum tls_level)settings->tls_security_level;
	if (settings->tls_policy_map[0] == '\0')
		return RESULT_OK;
	if (!open_table(&router->levels, settings->tls_policy_map, why))
		return RESULT_LATER;
	result =
	    look_up_destination(router, router->levels.table, out, &value, why);
	if (result == RESULT_OK)
		return keep_level(value, out, why);
	return result == RESULT_NEVER ? RESULT_OK : result;
}

/* What cannot be read is no reason to keep mail back: it goes as the settings
 * say. A policy is part of the key: what is sent otherwise has a line of its
 * own. */
static void
find_policy(struct router *router, struct route *out)
{
	const struct settings *settings = router->settings;
	struct slice value = { NULL, 0 };
	struct why why = { 0 };
	enum result result;
	size_t length;

	if (settings->destination_map[0] == '\0')
		return;
	if (!open_table(&router->destinations, settings->destination_map, &why))
		result = RESULT_LATER;
	else
		result = look_up_destination(
		    router, router->destinations.table, out, &value, &why);
	if (result == RESULT_NEVER)
		return;
	if (result == RESULT_LATER ||
	    !destination_policy_parse(settings, value, &out->policy, &why)) {
		log_error("destination_map: %s: %s; sent as mail.conf says",
		    out->domain, why.text);
		return;
	}
	length = strlen(out->key);
	snprintf(out->key + length, sizeof(out->key) - length, ":%08x",
	    crc32c(0, &out->policy, sizeof(out->policy)));
}

/* As open_table. */
static bool
read_moves(struct router *router, struct why *why)
{
	struct stat status;

	fs_note(router->moves_path, &status);
	if (router->has_moves && fs_is_same(&status, &router->moves_status))
		return true;
	router->moves_status = status;
	router->has_moves = moves_load(&router->moves, router->moves_path, why);
	return router->has_moves;
}

/* What mailq moved comes before all maps. */
static enum result
find_own_nexthop(struct router *router, const struct spool_message *message,
    struct route *out, struct why *why)
{
	const char *nexthop;

	if (!read_moves(router, why))
		return RESULT_LATER;
	nexthop = moves_find(&router->moves, message->id);
	if (nexthop == NULL)
		return find_nexthop(router, message->sender, out, why);
	return keep_nexthop(RESULT_OK, slice_of(nexthop), out, why);
}

static enum result
route_remote(struct router *router, const struct spool_message *message,
    const struct spool_recipient *recipient, struct route *out, struct why *why)
{
	struct slice domain = slice_from(
	    recipient->address, slice_last_index(recipient->address, '@'));
	enum result result;

	if (domain.len < 2 || !slice_to_array(slice_from(domain, 1),
				  out->domain, sizeof(out->domain))) {
		why_set(why, "the address has no domain");
		snprintf(why->status, sizeof(why->status), "5.1.2");
		return RESULT_NEVER;
	}
	for (char *p = out->domain; *p != '\0'; p++)
		*p = ascii_lower(*p);
	result = find_own_nexthop(router, message, out, why);
	if (result == RESULT_OK && out->nexthop[0] != '\0')
		result = find_login(router, message->sender, out, why);
	if (result == RESULT_OK)
		result = find_level(router, out, why);
	set_key(out);
	find_policy(router, out);
	return result;
}

enum result
router_find(struct router *router, const struct spool_message *message,
    const struct spool_recipient *recipient, struct route *out, struct why *why)
{
	memset(out, 0, sizeof(*out));
	memset(why, 0, sizeof(*why));
	destination_policy_default(router->settings, &out->policy);
	if (recipient->kind == TARGET_REMOTE)
		return route_remote(router, message, recipient, out, why);
	out->policy.interval = 0; /* for other hosts */
	return route_local(router, recipient, out, why);
}
