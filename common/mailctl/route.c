/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <sysexits.h>

#include "common/address.h"
#include "common/arena.h"
#include "common/idna.h"
#include "common/mailctl/mailctl.h"
#include "common/resolve.h"

#define ROUTE_MEMORY (4 * 1024 * 1024)

static void
print_target(const struct target *target)
{
	switch (target->kind) {
	case TARGET_MAILBOX:
		printf("  mailbox %.*s: %s (uid %lu)\n",
		    SLICE_FMT(target->address), target->user.mail,
		    (unsigned long)target->user.uid);
		break;
	case TARGET_REMOTE:
		printf("  another host: %.*s\n", SLICE_FMT(target->address));
		break;
	case TARGET_PROGRAM:
		printf("  program of %.*s, as uid %lu: %.*s\n",
		    SLICE_FMT(target->address), (unsigned long)target->user.uid,
		    SLICE_FMT(target->argument));
		break;
	case TARGET_FILE:
		printf("  file of %.*s, as uid %lu: %.*s\n",
		    SLICE_FMT(target->address), (unsigned long)target->user.uid,
		    SLICE_FMT(target->argument));
		break;
	}
}

static void
print_resolution(const struct resolution *resolution)
{
	for (size_t i = 0; i < resolution->note_count; i++)
		printf("  %zu %.*s\n", i + 1, SLICE_FMT(resolution->notes[i]));
	printf("would be delivered to %zu place%s:\n", resolution->count,
	    resolution->count == 1 ? "" : "s");
	for (size_t i = 0; i < resolution->count; i++)
		print_target(&resolution->targets[i]);
}

static int
route_one(struct mailctl *mailctl, struct resolver *resolver,
    struct arena *arena, const char *text)
{
	struct resolution resolution = { 0 };
	struct address address;
	struct why why = { 0 };
	enum result result;

	if (!address_parse(slice_of(text), arena, &address) ||
	    !idna_address(&address, arena)) {
		why_set(&why, "%s is not an address", text);
		return mailctl_fail(EX_DATAERR, &why);
	}
	if (address.domain.len == 0)
		address.domain = slice_of(mailctl->settings->origin);
	printf(
	    "%.*s@%.*s\n", SLICE_FMT(address.local), SLICE_FMT(address.domain));
	result = resolver_resolve(resolver, &address, arena, &resolution, &why);
	if (result == RESULT_OK) {
		print_resolution(&resolution);
		return EX_OK;
	}
	for (size_t i = 0; i < resolution.note_count; i++)
		printf("  %zu %.*s\n", i + 1, SLICE_FMT(resolution.notes[i]));
	printf("would be %s: %s %s\n",
	    result == RESULT_NEVER ? "refused" : "put off", why.status,
	    why.text);
	return result == RESULT_NEVER ? EXIT_NONE : EX_TEMPFAIL;
}

int
verb_route(struct mailctl *mailctl)
{
	struct resolver *resolver;
	struct arena *arena;
	int code = EX_OK, one;

	if (mailctl->argc == 0)
		return mailctl_usage("route ADDRESS...");
	resolver = resolver_new(mailctl->settings);
	arena = arena_new("route", ROUTE_MEMORY);
	for (int i = 0; i < mailctl->argc; i++) {
		one = route_one(mailctl, resolver, arena, mailctl->argv[i]);
		if (one != EX_OK)
			code = one;
		arena_reset(arena);
	}
	arena_free(&arena);
	resolver_free(&resolver);
	return code;
}
