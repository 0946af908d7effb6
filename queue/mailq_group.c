/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/mailq_group.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/crc32c.h"
#include "common/limits.h"

#define TABLE_SIZE (4 * MAILQ_GROUPS_MAX) /* a power of two */

struct group {
	char text[MAILQ_GROUP_TEXT + 1];
	char names[MAILQ_GROUP_NAMES][LIMIT_SMTP_DOMAIN + 1];
	size_t name_count;
	bool has_more_names;
	uint64_t count;
	uint64_t oldest; /* created */
	char id[SPOOL_ID_SIZE];
};

struct mailq_groups {
	struct group *items[MAILQ_GROUPS_MAX + 1]; /* and the rest */
	size_t count;
	uint16_t table[TABLE_SIZE]; /* index + 1 */
	struct buf text;
};

struct mailq_groups *
mailq_groups_new(void)
{
	struct mailq_groups *groups = alloc_zero(1, sizeof(*groups));

	buf_init(&groups->text, MAILQ_GROUP_TEXT);
	return groups;
}

void
mailq_groups_free(struct mailq_groups **groups)
{
	if (*groups == NULL)
		return;
	for (size_t i = 0; i < (*groups)->count; i++)
		alloc_release((*groups)->items[i]);
	buf_free(&(*groups)->text);
	alloc_release(*groups);
	*groups = NULL;
}

/* "450" or "4.2.0" */
static bool
is_code(struct slice word)
{
	for (size_t i = 0; i < word.len; i++)
		if (!ascii_is_digit(word.ptr[i]) && word.ptr[i] != '.')
			return false;
	return word.len > 0;
}

static bool
is_variable(struct slice word)
{
	for (size_t i = 0; i < word.len; i++)
		if (ascii_is_digit(word.ptr[i]) || word.ptr[i] == '@' ||
		    word.ptr[i] == '<')
			return true;
	return false;
}

void
mailq_group_reason(struct buf *out, struct slice reason)
{
	bool is_beginning = true;
	struct slice word;

	while (slice_token(&reason, S(" "), &word)) {
		is_beginning = is_beginning && is_code(word);
		if (out->len > 0)
			buf_add_char(out, ' ');
		if (!is_beginning && is_variable(word))
			buf_add_char(out, '#');
		else
			buf_add_printable(out, word);
	}
}

static struct slice
reason_of(const struct mailq_item *item, size_t i)
{
	if (item->waits_for_sender)
		return S("held until the time its sender gave");
	if (item->state == MAILQ_HELD)
		return S("on hold");
	if (item->reasons[i].text.len > 0)
		return item->reasons[i].text;
	return S("not tried yet");
}

static struct group *
add_group(struct mailq_groups *groups, struct slice text)
{
	struct group *group = alloc_zero(1, sizeof(*group));

	(void)slice_to_array(text, group->text, sizeof(group->text));
	groups->items[groups->count++] = group;
	return group;
}

/* By the text that is in groups->text. */
static struct group *
find_group(struct mailq_groups *groups)
{
	struct slice text = buf_slice(&groups->text);
	size_t place = crc32c(0, text.ptr, text.len) & (TABLE_SIZE - 1);
	struct group *group;

	for (; groups->table[place] != 0;
	     place = (place + 1) & (TABLE_SIZE - 1)) {
		group = groups->items[groups->table[place] - 1];
		if (slice_eq(slice_of(group->text), text))
			return group;
	}
	if (groups->count < MAILQ_GROUPS_MAX) {
		group = add_group(groups, text);
		groups->table[place] = (uint16_t)groups->count;
		return group;
	}
	if (groups->count == MAILQ_GROUPS_MAX)
		return add_group(groups, S("other reasons"));
	return groups->items[MAILQ_GROUPS_MAX];
}

static void
add_name(struct group *group, struct slice address)
{
	struct slice name =
	    slice_from(address, slice_last_index(address, '@') + 1);

	for (size_t i = 0; i < group->name_count; i++)
		if (slice_eq_nocase(name, slice_of(group->names[i])))
			return;
	if (group->name_count == MAILQ_GROUP_NAMES ||
	    !slice_to_array(
		name, group->names[group->name_count], sizeof(group->names[0])))
		group->has_more_names = true;
	else
		group->name_count++;
}

void
mailq_groups_add(struct mailq_groups *groups, const struct mailq_item *item)
{
	const struct spool_message *message = item->message;
	struct group *group;

	for (size_t i = 0; i < message->recipient_count; i++) {
		if (!mailq_is_open(item, i))
			continue;
		buf_clear(&groups->text);
		mailq_group_reason(&groups->text, reason_of(item, i));
		group = find_group(groups);
		if (group->count++ == 0 || message->created < group->oldest) {
			group->oldest = message->created;
			memcpy(group->id, message->id, sizeof(group->id));
		}
		add_name(group, message->recipients[i].address);
	}
}

static int
compare_groups(const void *a, const void *b)
{
	const struct group *const *left = a, *const *right = b;

	if ((*left)->count != (*right)->count)
		return (*left)->count < (*right)->count ? 1 : -1;
	return strcmp((*left)->text, (*right)->text);
}

static void
print_group(struct buf *out, const struct group *group, uint64_t now)
{
	uint64_t age = now > group->oldest ? now - group->oldest : 0;
	char text[MAILQ_AGE_SIZE];

	buf_add_format(out, "%7llu %7s  %s  %s  (",
	    (unsigned long long)group->count, mailq_format_age(age, text),
	    group->id, group->text);
	for (size_t i = 0; i < group->name_count; i++) {
		buf_add_string(out, i > 0 ? ", " : "");
		buf_add_printable(out, slice_of(group->names[i]));
	}
	buf_add_string(out, group->has_more_names ? ", ...)\n" : ")\n");
}

void
mailq_groups_print(struct buf *out, struct mailq_groups *groups, uint64_t now)
{
	if (groups->count == 0) {
		buf_add_string(out, "Mail queue is empty\n");
		return;
	}
	buf_add_format(out, "%7s %7s  %-13s  %s\n", "COUNT", "OLDEST", "ID",
	    "WHY  (DOMAINS)");
	/* The table is of no use after it. */
	qsort(groups->items, groups->count, sizeof(groups->items[0]),
	    compare_groups);
	memset(groups->table, 0, sizeof(groups->table));
	for (size_t i = 0; i < groups->count; i++)
		print_group(out, groups->items[i], now);
}
