/* SPDX-License-Identifier: ISC */
/*
 * Paths and address lists. A path that is taken formats into one that is
 * taken too and has the same value.
 */
#include "config.h"

#include <stdint.h>

#include "common/address.h"
#include "common/idna.h"
#include "common/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_path(struct slice input, struct arena *arena)
{
	static const struct address_syntax syntax = { true, true, true };
	struct address address, again;
	struct buf out;

	if (!address_parse_path(&input, syntax, arena, &address, NULL) ||
	    address_is_null(&address))
		return;
	buf_init(&out, 4096);
	BUG_UNLESS(address_format(&out, &address));
	BUG_UNLESS(address_parse(buf_slice(&out), arena, &again));
	BUG_UNLESS(slice_eq(address.local, again.local));
	BUG_UNLESS(slice_eq(address.domain, again.domain));
	if (idna_address(&address, arena))
		BUG_UNLESS(
		    address.domain.len == 0 || domain_is_valid(address.domain));
	buf_free(&out);
}

static bool
check_item(void *context, const struct address_item *item)
{
	size_t *count = context;

	BUG_UNLESS(item->kind <= ADDRESS_GROUP_END);
	BUG_UNLESS(item->kind == ADDRESS_MAILBOX || item->route.len == 0);
	return ++*count <= LIMIT_ADDRESSES + 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new("fuzz", 1 << 24);
	struct slice input = slice_make(data, size);
	size_t count = 0;

	check_path(input, arena);
	(void)address_list_parse(input, arena, check_item, &count);
	BUG_UNLESS(count <= LIMIT_ADDRESSES + 1);
	arena_free(&arena);
	return 0;
}
