/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/server_children.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/io.h"

struct server_child *
server_children_add(struct server_children *children, pid_t pid,
    const char *program, int offers)
{
	struct server_child *child;

	if (children->count == children->size) {
		children->size = children->size == 0 ? 64 : 2 * children->size;
		children->items = alloc_resize(children->items, children->size,
		    sizeof(children->items[0]));
	}
	child = &children->items[children->count++];
	memset(child, 0, sizeof(*child));
	child->pid = pid;
	child->program = program;
	child->offers = offers;
	child->since = io_now();
	return child;
}

struct server_child *
server_children_find(const struct server_children *children, pid_t pid)
{
	for (size_t i = 0; i < children->count; i++)
		if (children->items[i].pid == pid)
			return &children->items[i];
	return NULL;
}

struct server_child *
server_children_waiting(struct server_children *children, const char *program)
{
	struct server_child *best = NULL, *child;

	for (size_t i = 0; i < children->count; i++) {
		child = &children->items[i];
		if (!child->is_busy && child->offers >= 0 &&
		    strcmp(child->program, program) == 0 &&
		    (best == NULL || child->since >= best->since))
			best = child;
	}
	return best;
}

void
server_children_begin(struct server_children *children,
    struct server_child *child, const struct netaddr *peer)
{
	child->is_busy = true;
	child->is_trusted = child->is_logged_in = child->has_mail = false;
	child->began = io_now();
	child->peer = *peer;
	child->uses++;
	children->busy++;
}

void
server_children_drop(struct server_child *child)
{
	if (child->offers >= 0)
		close(child->offers);
	child->offers = -1;
}

static size_t
count_waiting(const struct server_children *children)
{
	size_t n = 0;

	for (size_t i = 0; i < children->count; i++)
		n += !children->items[i].is_busy &&
		     children->items[i].offers >= 0;
	return n;
}

void
server_children_notice(struct server_children *children, pid_t pid)
{
	struct server_child *child = server_children_find(children, pid);

	if (child == NULL || !child->is_busy)
		return;
	child->is_busy = false;
	child->since = io_now();
	children->busy--;
	if (child->uses >= SERVER_FRONT_USES ||
	    count_waiting(children) > SERVER_IDLE_MAX)
		server_children_drop(child);
}

bool
server_children_remove(struct server_children *children, pid_t pid)
{
	struct server_child *child = server_children_find(children, pid);

	if (child == NULL)
		return false;
	server_children_drop(child);
	children->busy -= child->is_busy;
	*child = children->items[--children->count];
	return true;
}

void
server_children_retire(
    struct server_children *children, int64_t before, bool all)
{
	struct server_child *child;

	for (size_t i = 0; i < children->count; i++) {
		child = &children->items[i];
		if (child->is_busy ? all : child->since < before)
			server_children_drop(child);
	}
}

static bool
is_same_client(const struct netaddr *a, const struct netaddr *b)
{
	return netaddr_is_same_prefix(a, b, a->family == 4 ? 4 : 8);
}

size_t
server_children_count(
    const struct server_children *children, const struct netaddr *peer)
{
	size_t n = 0;

	for (size_t i = 0; i < children->count; i++)
		if (children->items[i].is_busy &&
		    !children->items[i].is_leaving &&
		    is_same_client(&children->items[i].peer, peer))
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
	for (size_t i = 0; i < children->count; i++)
		server_children_drop(&children->items[i]);
	alloc_release(children->items);
	memset(children, 0, sizeof(*children));
}
