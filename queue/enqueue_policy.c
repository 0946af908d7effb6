/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/enqueue_policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/front.h"

void
answer_set(struct inject_reply *reply, unsigned int code, const char *status,
    const char *format, ...)
{
	va_list arguments;

	reply->code = code;
	snprintf(reply->status, sizeof(reply->status), "%s", status);
	va_start(arguments, format);
	vsnprintf(reply->text, sizeof(reply->text), format, arguments);
	va_end(arguments);
	for (char *c = reply->text; *c != '\0'; c++)
		if (!ascii_is_print(*c))
			*c = '?';
}

bool
policy_is_trusted(
    const struct settings *settings, const struct inject_facts *facts)
{
	return facts->login[0] != '\0' || facts->listener == INJECT_LOCAL ||
	       network_list_contains(&settings->mynetworks, &facts->peer);
}

bool
policy_is_here(const struct settings *settings, struct slice address)
{
	size_t at = slice_last_index(address, '@');

	return at == address.len ||
	       settings_is_local_domain(settings, slice_from(address, at + 1));
}

bool
policy_may_begin(const struct settings *settings,
    const struct inject_facts *facts, struct inject_reply *reply)
{
	(void)settings;
	if (facts->login[0] != '\0')
		return true;
	if (facts->listener != LISTENER_SUBMISSION &&
	    facts->listener != LISTENER_SUBMISSIONS)
		return true;
	answer_set(reply, 530, "5.7.0",
	    "this port is for your own users: log in first (AUTH)");
	return false;
}

/* "a, b and 3 more": replies are one line. */
static void
list_domains(const struct settings *settings, char *text, size_t size)
{
	const struct string_list *domains = &settings->domains;
	size_t used = 0, i;
	int n;

	if (domains->count == 0)
		snprintf(text, size, "%s", settings->hostname);
	for (i = 0; i < domains->count && i < 3; i++) {
		n = snprintf(text + used, size - used, "%s%.80s",
		    i == 0 ? "" : ", ", domains->items[i]);
		used += n > 0 ? (size_t)n : 0;
	}
	if (i < domains->count)
		snprintf(text + used, size - used, " and %zu more",
		    domains->count - i);
}

bool
policy_may_send_to(const struct settings *settings,
    const struct inject_facts *facts, const struct address *recipient,
    struct inject_reply *reply)
{
	char domains[300];

	if (recipient->domain.len == 0 ||
	    settings_is_local_domain(settings, recipient->domain) ||
	    policy_is_trusted(settings, facts))
		return true;
	list_domains(settings, domains, sizeof(domains));
	answer_set(reply, 550, "5.7.1",
	    "relaying denied: this host delivers to %s only; log in (port "
	    "465 or 587) to send elsewhere",
	    domains);
	return false;
}

static bool
has_route(struct table *routes, struct slice key)
{
	struct arena *arena = arena_new("route", 65536);
	struct slice value;
	size_t line;
	enum result result;

	result = table_find(routes, key, arena, &value, &line, NULL);
	arena_free(&arena);
	return result == RESULT_OK;
}

/* The domain itself, ".parent" for what is below it, "*" for all. */
bool
policy_is_reachable(const struct settings *settings, struct table *routes,
    struct slice domain, struct inject_reply *reply)
{
	struct slice rest = domain;
	size_t dot;

	if (settings->internet != INTERNET_NO)
		return true;
	if (routes != NULL &&
	    (has_route(routes, domain) || has_route(routes, S("*"))))
		return true;
	while (routes != NULL && (dot = slice_index(rest, '.')) < rest.len) {
		if (has_route(routes, slice_from(rest, dot)))
			return true;
		rest = slice_from(rest, dot + 1);
	}
	answer_set(reply, 550, "5.4.4",
	    "no way to %.*s: this host sends no mail to the internet "
	    "(internet = no) and route_map does not name this domain",
	    SLICE_FMT(slice_first(domain, 200)));
	return false;
}
