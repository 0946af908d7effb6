/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/server_children.h"

#include <signal.h>
#include <string.h>

#include "common/alloc.h"

void
server_children_add(
    struct server_children *children, pid_t pid, const struct netaddr *peer)
{
	if (children->count == children->size) {
		children->size = children->size == 0 ? 64 : 2 * children->size;
		children->items = alloc_resize(children->items, children->size,
		    sizeof(children->items[0]));
	}
	children->items[children->count].pid = pid;
	children->items[children->count].peer = *peer;
	children->count++;
}

bool
server_children_remove(struct server_children *children, pid_t pid)
{
	for (size_t i = 0; i < children->count; i++) {
		if (children->items[i].pid != pid)
			continue;
		children->items[i] = children->items[--children->count];
		return true;
	}
	return false;
}

static bool
is_same_client(const struct netaddr *a, const struct netaddr *b)
{
	size_t bytes = a->family == 4 ? 4 : 8;

	return a->family == b->family && memcmp(a->bytes, b->bytes, bytes) == 0;
}

size_t
server_children_count(
    const struct server_children *children, const struct netaddr *peer)
{
	size_t n = 0;

	for (size_t i = 0; i < children->count; i++)
		if (is_same_client(&children->items[i].peer, peer))
			n++;
	return n;
}

/* Each is unreaped, so its number belongs to nobody else. */
void
server_children_kill(const struct server_children *children, int number)
{
	for (size_t i = 0; i < children->count; i++)
		kill(children->items[i].pid, number);
}

void
server_children_free(struct server_children *children)
{
	alloc_release(children->items);
	memset(children, 0, sizeof(*children));
}
