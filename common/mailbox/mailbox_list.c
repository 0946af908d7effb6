/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/arena.h"
#include "common/mailbox/mailbox.h"
#include "common/mailbox/nametable.h"
#include "common/mailbox/store.h"

#define LIST_MEMORY ((size_t)64 * 1024 * 1024)

struct name_row {
	struct slice name;
	bool is_selectable, has_children;
};

struct name_list {
	struct arena *arena;
	struct name_row **rows;
	size_t count, room;
	struct nametable by_name;
};

static struct name_row *
list_add(struct name_list *list, struct slice name)
{
	struct name_row *row = nametable_get(&list->by_name, name);

	if (row != NULL)
		return row;
	row = arena_alloc(list->arena, sizeof(*row));
	if (row == NULL)
		alloc_exhausted("folder list");
	row->name = arena_slice(list->arena, name);
	if (row->name.ptr == NULL)
		alloc_exhausted("folder list");
	if (list->count == list->room) {
		list->room = list->room == 0 ? 32 : list->room * 2;
		list->rows = alloc_resize(
		    list->rows, list->room, sizeof(struct name_row *));
	}
	list->rows[list->count++] = row;
	nametable_set(&list->by_name, row->name, row);
	return row;
}

/* A folder, and its parents, which may exist in name only. */
static bool
list_directory(void *context, const char *directory)
{
	struct name_list *list = context;
	struct buf name;
	size_t slash;

	buf_init(&name, 1024);
	if (store_name(directory, &name)) {
		struct slice rest = buf_slice(&name);

		list_add(list, rest)->is_selectable = true;
		for (;;) {
			slash = slice_last_index(rest, MAILBOX_SEPARATOR);
			if (slash == rest.len)
				break;
			rest = slice_first(rest, slash);
			list_add(list, rest)->has_children = true;
		}
	}
	buf_free(&name);
	return true;
}

/* By name, a parent right in front of its children: '/' sorts first. */
static int
compare_rows(const void *a, const void *b)
{
	struct slice left = (*(struct name_row *const *)a)->name;
	struct slice right = (*(struct name_row *const *)b)->name;
	size_t n = left.len < right.len ? left.len : right.len;

	for (size_t i = 0; i < n; i++) {
		unsigned char x = (unsigned char)left.ptr[i];
		unsigned char y = (unsigned char)right.ptr[i];

		if (x == y)
			continue;
		if (x == MAILBOX_SEPARATOR || y == MAILBOX_SEPARATOR)
			return x == MAILBOX_SEPARATOR ? -1 : 1;
		return x < y ? -1 : 1;
	}
	return (left.len > right.len) - (left.len < right.len);
}

bool
mailbox_each(struct mailbox *mailbox, mailbox_name_fn *each, void *context,
    struct why *why)
{
	struct name_list list = { 0 };
	struct name_row *inbox;
	bool ok;

	list.arena = arena_new("folder list", LIST_MEMORY);
	ok = store_each(mailbox, list_directory, &list, why);
	inbox = nametable_get(&list.by_name, S("INBOX"));
	if (ok)
		ok = each(context, S("INBOX"), true,
		    inbox != NULL && inbox->has_children);
	if (list.count > 0)
		qsort(list.rows, list.count, sizeof(struct name_row *),
		    compare_rows);
	for (size_t i = 0; ok && i < list.count; i++)
		if (list.rows[i] != inbox)
			ok = each(context, list.rows[i]->name,
			    list.rows[i]->is_selectable,
			    list.rows[i]->has_children);
	nametable_clear(&list.by_name);
	alloc_release(list.rows);
	arena_free(&list.arena);
	return ok;
}
