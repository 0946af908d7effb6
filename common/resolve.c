/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/resolve.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/alias_file.h"
#include "common/alloc.h"
#include "common/fsutil.h"
#include "common/idna.h"
#include "common/limits.h"
#include "common/table.h"

enum {
	INCLUDE_MAX = 1 << 20,
	NO_PARENT = -1,
	FIRST_ROOM = 4
};

struct resolver {
	const struct settings *settings;
	struct table *virtual_aliases, *aliases;
	struct why failure; /* a table could not be opened */
	bool has_failed;
};

/* One address on its way. */
struct node {
	struct slice local, domain;
	int parent; /* who expanded to it */
	unsigned int depth;
	bool is_mailbox_only; /* no further expansion */
};

struct expansion {
	const struct resolver *resolver;
	struct arena *arena;
	struct resolution *out;
	struct node *nodes;
	size_t node_count, node_room, target_room, note_room;
	bool is_later, is_full;
	struct why *why; /* the first cause */
	bool has_cause;
};

/* Where an alias was found. */
struct match {
	const char *file;
	struct slice value;
	size_t line;
	struct slice extension;
};

static struct table *
open_aliases(struct resolver *resolver, const char *path)
{
	const struct settings *settings = resolver->settings;
	char directory[1024];
	struct table *table;

	if (path[0] == '\0')
		return NULL;
	snprintf(directory, sizeof(directory), "%s/tables",
	    settings->state_directory);
	table = table_open(path, TABLE_ALIASES, directory, &resolver->failure);
	resolver->has_failed |= table == NULL;
	return table;
}

struct resolver *
resolver_new(const struct settings *settings)
{
	struct resolver *resolver = alloc_zero(1, sizeof(*resolver));

	resolver->settings = settings;
	resolver->virtual_aliases =
	    open_aliases(resolver, settings->virtual_aliases);
	resolver->aliases = open_aliases(resolver, settings->aliases);
	return resolver;
}

void
resolver_free(struct resolver **resolver)
{
	if (*resolver == NULL)
		return;
	table_close(&(*resolver)->virtual_aliases);
	table_close(&(*resolver)->aliases);
	alloc_release(*resolver);
	*resolver = NULL;
}

bool
resolver_has_failed(const struct resolver *resolver)
{
	return resolver->has_failed;
}

/* The first cause stays: it is about what was asked for. */
__attribute__((format(printf, 3, 4))) static void
set_cause(struct expansion *e, const char *status, const char *format, ...)
{
	char text[WHY_TEXT_SIZE];
	va_list arguments;

	if (e->has_cause)
		return;
	e->has_cause = true;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	why_set(e->why, "%s", text);
	if (e->why != NULL)
		snprintf(e->why->status, sizeof(e->why->status), "%s", status);
}

static void
set_later(struct expansion *e, const struct why *cause)
{
	e->is_later = true;
	e->has_cause = false;
	set_cause(e, "4.3.0", "%s", cause->text);
}

/* Room for one more of an array in the arena. */
static void *
grow(struct expansion *e, void *old, size_t count, size_t *room, size_t size)
{
	size_t wanted = *room == 0 ? FIRST_ROOM : *room * 2;
	void *fresh;

	if (count < *room)
		return old;
	fresh = arena_alloc(e->arena, wanted * size);
	if (fresh == NULL || count >= LIMIT_ALIAS_EXPANSION * 2) {
		e->is_full = true;
		return NULL;
	}
	if (count > 0)
		memcpy(fresh, old, count * size);
	*room = wanted;
	return fresh;
}

__attribute__((format(printf, 2, 3))) static void
add_note(struct expansion *e, const char *format, ...)
{
	struct resolution *out = e->out;
	struct slice *notes = grow(
	    e, out->notes, out->note_count, &e->note_room, sizeof(notes[0]));
	char text[512];
	va_list arguments;

	if (notes == NULL)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	out->notes = notes;
	out->notes[out->note_count++] = arena_slice(e->arena, slice_of(text));
}

static bool
is_same_target(const struct target *a, const struct target *b)
{
	return a->kind == b->kind && slice_eq_nocase(a->address, b->address) &&
	       slice_eq(a->argument, b->argument) &&
	       slice_eq(a->extension, b->extension);
}

static void
add_target(struct expansion *e, const struct target *target)
{
	struct resolution *out = e->out;
	struct target *targets;

	for (size_t i = 0; i < out->count; i++)
		if (is_same_target(&out->targets[i], target))
			return;
	if (out->count >= LIMIT_ALIAS_EXPANSION) {
		e->is_full = true;
		return;
	}
	targets = grow(
	    e, out->targets, out->count, &e->target_room, sizeof(targets[0]));
	if (targets == NULL)
		return;
	out->targets = targets;
	out->targets[out->count++] = *target;
}

static struct slice
format_address(struct expansion *e, struct slice local, struct slice domain)
{
	struct address address = { .local = local, .domain = domain };
	struct slice text;
	struct buf buf;

	buf_init(&buf, 4 * LIMIT_SMTP_PATH);
	address_format(&buf, &address);
	text = arena_slice(e->arena, buf_slice(&buf));
	if (text.ptr == NULL || buf.failed)
		e->is_full = true;
	buf_free(&buf);
	return text;
}

static void
add_node(struct expansion *e, const struct node *node)
{
	struct node *nodes;

	if (node->depth > LIMIT_ALIAS_DEPTH ||
	    e->node_count > LIMIT_ALIAS_EXPANSION) {
		e->is_full = true;
		return;
	}
	nodes =
	    grow(e, e->nodes, e->node_count, &e->node_room, sizeof(nodes[0]));
	if (nodes == NULL)
		return;
	e->nodes = nodes;
	e->nodes[e->node_count++] = *node;
}

static bool
is_same_node(const struct node *a, const struct node *b)
{
	return slice_eq_nocase(a->local, b->local) &&
	       slice_eq_nocase(a->domain, b->domain);
}

/* One of those that led here: an alias that names itself, or a loop. */
static bool
is_ancestor(const struct expansion *e, const struct node *node)
{
	for (int i = node->parent; i != NO_PARENT; i = e->nodes[i].parent)
		if (is_same_node(&e->nodes[i], node))
			return true;
	return false;
}

static bool
is_known(const struct expansion *e, const struct node *node)
{
	for (size_t i = 0; i < e->node_count; i++)
		if (e->nodes[i].is_mailbox_only == node->is_mailbox_only &&
		    is_same_node(&e->nodes[i], node))
			return true;
	return false;
}

static void
add_address(
    struct expansion *e, struct slice text, int parent, bool is_mailbox_only)
{
	const struct node *from = &e->nodes[parent];
	struct node node = { .parent = parent,
		.depth = from->depth + 1,
		.is_mailbox_only = is_mailbox_only };
	struct address address;

	if (!address_parse(text, e->arena, &address) ||
	    !idna_address(&address, e->arena)) {
		add_note(e, "\"%.*s\" is not an address: ignored",
		    SLICE_FMT(slice_first(text, 200)));
		return;
	}
	node.local = address.local;
	node.domain = address.domain.len > 0 ? address.domain : from->domain;
	if (is_ancestor(e, &node))
		node.is_mailbox_only = true;
	if (!is_known(e, &node))
		add_node(e, &node);
}

/* Programs and files are run and written by virtual_user. */
static void
add_action(struct expansion *e, const struct alias_entry *entry, int parent)
{
	const struct node *from = &e->nodes[parent];
	char *text = arena_dup(e->arena, entry->text);
	size_t len = text == NULL ? 0 : entry->text.len;
	struct target target = { .argument = slice_make(text, len) };
	struct why why = { 0 };

	/* A tab is a space: queue files hold no control characters. */
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = ' ';
	target.kind =
	    entry->kind == ALIAS_PROGRAM ? TARGET_PROGRAM : TARGET_FILE;
	target.address = format_address(e, from->local, from->domain);
	if (users_find_alias_owner(e->resolver->settings, &target.user, &why) !=
	    RESULT_OK)
		set_later(e, &why);
	else
		add_target(e, &target);
}

static void
add_include(struct expansion *e, struct slice path, int parent)
{
	struct alias_entry entry;
	struct why why = { 0 };
	struct slice rest;
	struct buf bytes;
	char array[1024];

	buf_init(&bytes, INCLUDE_MAX);
	if (!slice_to_array(path, array, sizeof(array)))
		why_set(&why, "name too long");
	else if (fs_read_guarded(array, &bytes, &why))
		add_note(e, "include %s", array);
	if (why.text[0] != '\0') {
		why_context(&why, ":include:%.*s", SLICE_FMT(path));
		set_later(e, &why);
	}
	rest = arena_slice(e->arena, buf_slice(&bytes));
	while (!e->is_full && alias_next(&rest, e->arena, &entry)) {
		if (entry.kind == ALIAS_ADDRESS || entry.kind == ALIAS_MAILBOX)
			add_address(
			    e, entry.text, parent, entry.kind == ALIAS_MAILBOX);
		else
			add_note(e,
			    "include %s: programs, files and "
			    "includes are not allowed there",
			    array);
	}
	buf_free(&bytes);
}

static void
expand(struct expansion *e, int parent, const struct match *match)
{
	const struct node *node = &e->nodes[parent];
	struct slice rest = match->value;
	struct alias_entry entry;

	add_note(e, "alias %.*s -> %.*s (%s:%zu)", SLICE_FMT(node->local),
	    SLICE_FMT(slice_first(match->value, 200)), match->file,
	    match->line);
	while (!e->is_full && alias_next(&rest, e->arena, &entry)) {
		if (entry.kind == ALIAS_INCLUDE)
			add_include(e, entry.text, parent);
		else if (entry.kind == ALIAS_PROGRAM ||
			 entry.kind == ALIAS_FILE)
			add_action(e, &entry, parent);
		else
			add_address(
			    e, entry.text, parent, entry.kind == ALIAS_MAILBOX);
	}
}

static enum result
find_key(struct expansion *e, struct table *table, const char *file,
    struct slice key, struct match *match)
{
	struct why why = { 0 };
	enum result result;

	if (table == NULL || key.len == 0)
		return RESULT_NEVER;
	match->file = file;
	result =
	    table_find(table, key, e->arena, &match->value, &match->line, &why);
	if (result == RESULT_LATER)
		set_later(e, &why);
	return result;
}

/* local@domain, then local alone, in the virtual aliases, then local alone
 * in the classic ones. */
static enum result
find_alias(struct expansion *e, struct slice local, struct slice domain,
    struct match *match)
{
	const struct resolver *r = e->resolver;
	const char *virtual_path = r->settings->virtual_aliases;
	const char *path = r->settings->aliases;
	struct slice whole = format_address(e, local, domain);
	enum result result;

	result = find_key(e, r->virtual_aliases, virtual_path, whole, match);
	if (result == RESULT_NEVER)
		result =
		    find_key(e, r->virtual_aliases, virtual_path, local, match);
	if (result == RESULT_NEVER)
		result = find_key(e, r->aliases, path, whole, match);
	if (result == RESULT_NEVER)
		result = find_key(e, r->aliases, path, local, match);
	return result;
}

/* Index of the delimiter; local.len when there is none. */
static size_t
find_tag(const struct settings *settings, struct slice local)
{
	struct slice delimiters = slice_of(settings->recipient_delimiter);

	for (size_t i = 1; i < local.len; i++)
		if (slice_index(delimiters, local.ptr[i]) < delimiters.len)
			return i;
	return local.len;
}

static void
add_mailbox(struct expansion *e, const struct user *user,
    const struct node *node, size_t base)
{
	struct target target = { .kind = TARGET_MAILBOX, .user = *user };

	target.address =
	    format_address(e, slice_first(node->local, base), node->domain);
	target.extension = slice_from(node->local, base + 1);
	add_target(e, &target);
}

static enum result
find_mailbox(struct expansion *e, const struct node *node)
{
	const struct settings *settings = e->resolver->settings;
	size_t base = find_tag(settings, node->local);
	struct why why = { 0 };
	enum result result;
	struct user user;

	result = users_find_address(
	    settings, node->local, node->domain, &user, &why);
	if (result == RESULT_OK)
		add_mailbox(e, &user, node, node->local.len);
	if (result == RESULT_NEVER && base < node->local.len) {
		result = users_find_address(settings,
		    slice_first(node->local, base), node->domain, &user, &why);
		if (result == RESULT_OK)
			add_mailbox(e, &user, node, base);
	}
	if (result == RESULT_LATER)
		set_later(e, &why);
	return result;
}

/* RFC 5321 4.5.1 and RFC 2142: these are always somebody. */
static bool
is_required_name(struct slice local)
{
	static const struct slice names[] = { SLICE("postmaster"),
		SLICE("root"), SLICE("abuse"), SLICE("mailer-daemon") };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_eq_nocase(local, names[i]))
			return true;
	return false;
}

/* A required name without alias: root's alias, else the first user. */
static bool
add_required(struct expansion *e, int index)
{
	struct node node = e->nodes[index];
	struct match match = { 0 };
	struct slice local, domain;
	struct user user;

	if (!is_required_name(node.local))
		return false;
	if (!slice_eq_nocase(node.local, S("root")) &&
	    find_alias(e, slice_of("root"), node.domain, &match) == RESULT_OK) {
		expand(e, index, &match);
		return true;
	}
	if (users_find_admin(e->resolver->settings, &user) != RESULT_OK)
		return false;
	if (slice_cut(slice_of(user.name), '@', &local, &domain)) {
		node.local = arena_slice(e->arena, local);
		node.domain = arena_slice(e->arena, domain);
	} else {
		node.local = arena_slice(e->arena, local);
	}
	add_note(e, "no alias: the first user, %s", user.name);
	add_mailbox(e, &user, &node, node.local.len);
	return true;
}

static bool
add_catch_all(struct expansion *e, int index)
{
	const struct resolver *r = e->resolver;
	const char *path = r->settings->virtual_aliases;
	struct match match = { 0 };
	char key[LIMIT_SMTP_DOMAIN + 2];

	snprintf(key, sizeof(key), "@%.*s",
	    SLICE_FMT(slice_first(e->nodes[index].domain, LIMIT_SMTP_DOMAIN)));
	if (find_key(e, r->virtual_aliases, path, slice_of(key), &match) !=
	    RESULT_OK) {
		match.value = slice_of(r->settings->catch_all);
		match.file = "catch_all";
	}
	if (match.value.len == 0)
		return false;
	expand(e, index, &match);
	return true;
}

static enum result
try_aliases(struct expansion *e, int index)
{
	const struct node *node = &e->nodes[index];
	struct match match = { 0 };
	size_t base = find_tag(e->resolver->settings, node->local);
	enum result result;

	result = find_alias(e, node->local, node->domain, &match);
	if (result == RESULT_NEVER && base < node->local.len)
		result = find_alias(
		    e, slice_first(node->local, base), node->domain, &match);
	if (result == RESULT_OK)
		expand(e, index, &match);
	return result;
}

static void
step(struct expansion *e, int index)
{
	struct node node = e->nodes[index];
	struct target target = { .kind = TARGET_REMOTE };

	if (!settings_is_local_domain(e->resolver->settings, node.domain)) {
		target.address = format_address(e, node.local, node.domain);
		add_target(e, &target);
		return;
	}
	if (!node.is_mailbox_only && try_aliases(e, index) != RESULT_NEVER)
		return;
	if (find_mailbox(e, &node) != RESULT_NEVER)
		return;
	if (node.is_mailbox_only) {
		set_cause(e, "5.4.6", "alias loop: %.*s leads back to itself",
		    SLICE_FMT(slice_first(node.local, 64)));
		return;
	}
	if (add_required(e, index) || add_catch_all(e, index))
		return;
	set_cause(e, "5.1.1", "user unknown");
}

enum result
resolver_resolve(struct resolver *resolver, const struct address *address,
    struct arena *arena, struct resolution *out, struct why *why)
{
	const struct settings *settings = resolver->settings;
	struct expansion e = {
		.resolver = resolver, .arena = arena, .out = out, .why = why
	};
	struct node first = { .local = address->local,
		.domain = address->domain,
		.parent = NO_PARENT };

	memset(out, 0, sizeof(*out));
	if (first.domain.len == 0)
		first.domain = slice_of(settings_is_local_domain(settings,
					    slice_of(settings->origin))
					    ? settings->origin
					    : settings->hostname);
	if (resolver->has_failed)
		set_later(&e, &resolver->failure);
	add_node(&e, &first);
	for (size_t i = 0; i < e.node_count && !e.is_full && !e.is_later; i++)
		step(&e, (int)i);
	if (e.is_later)
		return RESULT_LATER;
	if (e.is_full) {
		e.has_cause = false;
		set_cause(&e, "5.1.1", "alias expands to too many addresses");
		return RESULT_NEVER;
	}
	if (out->count == 0)
		set_cause(&e, "5.1.1", "alias expands to nothing");
	return out->count > 0 ? RESULT_OK : RESULT_NEVER;
}
