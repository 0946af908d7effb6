/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/address.h"
#include "common/limits.h"

#include "queue/sendmail.h"

enum {
	FIRST_ROOM = 8,
	PASSWD_SIZE = 4096
};

static bool
grow(struct address_set *set)
{
	size_t room = set->room == 0 ? FIRST_ROOM : set->room * 2;
	struct slice *fresh;

	if (set->count < set->room)
		return true;
	fresh = set->count >= LIMIT_SMTP_RECIPIENTS
		    ? NULL
		    : arena_alloc(set->arena, room * sizeof(*fresh));
	if (fresh == NULL) {
		set->is_full = true;
		return false;
	}
	if (set->count > 0)
		memcpy(fresh, set->items, set->count * sizeof(*fresh));
	set->items = fresh;
	set->room = room;
	return true;
}

static bool
format(const struct address *address, struct arena *arena, struct slice *out)
{
	struct buf buf;
	bool ok;

	buf_init(&buf, 4 * LIMIT_SMTP_PATH);
	if (address->domain.len > 0)
		ok = address_format(&buf, address);
	else
		ok = buf_add(&buf, address->local);
	*out = arena_slice(arena, buf_slice(&buf));
	buf_free(&buf);
	return ok && out->len > 0;
}

static bool
add_mailbox(void *context, const struct address_item *item)
{
	struct address_set *set = context;
	struct slice text;

	if (item->kind != ADDRESS_MAILBOX || item->address.local.len == 0)
		return true;
	if (!format(&item->address, set->arena, &text))
		return true;
	set->has_found = true;
	for (size_t i = 0; i < set->count; i++)
		if (slice_eq_nocase(set->items[i], text))
			return true;
	if (!grow(set))
		return false;
	set->items[set->count++] = text;
	return true;
}

bool
address_set_add(struct address_set *set, struct slice list)
{
	set->has_found = false;
	(void)address_list_parse(list, set->arena, add_mailbox, set);
	return set->has_found;
}

bool
sendmail_sender(const struct settings *settings, struct slice text,
    struct arena *arena, struct slice *out)
{
	struct address_set set = { .arena = arena };
	struct buf buf;

	text = slice_trim(text);
	*out = slice_of("");
	if (text.len == 0 || slice_eq(text, S("<>")))
		return true;
	if (!address_set_add(&set, text) || set.count != 1)
		return false;
	if (slice_index(set.items[0], '@') < set.items[0].len) {
		*out = set.items[0];
		return true;
	}
	buf_init(&buf, 4 * LIMIT_SMTP_PATH);
	buf_add_format(
	    &buf, "%.*s@%s", SLICE_FMT(set.items[0]), settings->origin);
	*out = arena_slice(arena, buf_slice(&buf));
	buf_free(&buf);
	return out->len > 0;
}

bool
sendmail_own_address(
    const struct settings *settings, struct arena *arena, struct slice *out)
{
	struct passwd entry, *found = NULL;
	char bytes[PASSWD_SIZE], name[32];

	snprintf(name, sizeof(name), "uid%lu", (unsigned long)getuid());
	(void)getpwuid_r(getuid(), &entry, bytes, sizeof(bytes), &found);
	return sendmail_sender(settings,
	    slice_of(found == NULL ? name : found->pw_name), arena, out);
}

int
sendmail_exit_code(const struct why *why)
{
	switch (why->error) {
	case ENOENT:
	case ENOTDIR:
	case EACCES:
	case EPERM:
	case EROFS:
		return EX_CANTCREAT;
	default:
		return EX_TEMPFAIL;
	}
}
