/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "common/alloc.h"
#include "common/buf.h"
#include "common/settings_table.h"

#define LIST_MAX 4096

static const struct slice separators = SLICE(" \t,");

static void *
field_of(struct settings *settings, const struct settings_row *row)
{
	return (char *)settings + row->offset;
}

static char *
copy_text(struct slice s, bool lower)
{
	char *copy = alloc_zero(s.len + 1, 1);

	for (size_t i = 0; i < s.len; i++)
		copy[i] = lower ? ascii_lower(s.ptr[i]) : s.ptr[i];
	return copy;
}

void
settings_clear(struct settings *settings, const struct settings_row *row)
{
	struct string_list *list = field_of(settings, row);
	struct network_list *networks = field_of(settings, row);
	char **string = field_of(settings, row);

	switch (row->kind) {
	case SETTING_STRING:
	case SETTING_PATH:
		alloc_release(*string);
		*string = NULL;
		break;
	case SETTING_LIST:
	case SETTING_WORDS:
		for (size_t i = 0; i < list->count; i++)
			alloc_release(list->items[i]);
		alloc_release(list->items);
		*list = (struct string_list){ 0, NULL };
		break;
	case SETTING_NETWORKS:
		alloc_release(networks->items);
		*networks = (struct network_list){ 0, NULL };
		break;
	case SETTING_BOOLEAN:
	case SETTING_NUMBER:
	case SETTING_SIZE:
	case SETTING_TIME:
	case SETTING_CHOICE:
		break;
	}
}

static void
set_list(struct string_list *list, struct slice text, bool lower)
{
	struct slice item;

	while (
	    list->count < LIST_MAX && slice_token(&text, separators, &item)) {
		list->items = alloc_resize(
		    list->items, list->count + 1, sizeof(*list->items));
		list->items[list->count++] = copy_text(item, lower);
	}
}

static void
add_network(
    struct network_list *list, struct slice text, struct why *why, bool *ok)
{
	struct network network;

	if (!network_parse(text, &network)) {
		*ok = why_set(why,
		    "%.*s is not a network: write 192.0.2.0/24 or"
		    " 2001:db8::/32, host bits zero",
		    SLICE_FMT(text));
		return;
	}
	list->items =
	    alloc_resize(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = network;
}

static bool
set_networks(struct network_list *list, struct slice text, struct why *why)
{
	struct slice item;
	bool ok = true;

	while (
	    list->count < LIST_MAX && slice_token(&text, separators, &item)) {
		if (slice_eq_nocase(item, S("loopback"))) {
			add_network(list, S("127.0.0.0/8"), why, &ok);
			add_network(list, S("::1"), why, &ok);
		} else {
			add_network(list, item, why, &ok);
		}
	}
	return ok;
}

struct unit {
	char letter;
	uint64_t factor;
};

/* A number with an optional unit letter out of units (letter 0 ends). */
static bool
set_scaled(uint64_t *field, struct slice text, const struct unit *units,
    struct why *why)
{
	uint64_t factor = 1, value;
	struct slice digits = text;

	for (; text.len > 0 && units->letter != '\0'; units++) {
		if (ascii_lower(text.ptr[text.len - 1]) != units->letter)
			continue;
		factor = units->factor;
		digits = slice_first(text, text.len - 1);
	}
	if (!slice_u64(slice_trim(digits), INT64_MAX / factor, &value))
		return why_set(why, "%.*s is not a number of the right kind",
		    SLICE_FMT(text));
	*field = value * factor;
	return true;
}

static bool
set_boolean(bool *field, struct slice text, struct why *why)
{
	*field = slice_eq_nocase(text, S("yes"));
	if (*field || slice_eq_nocase(text, S("no")))
		return true;
	return why_set(why, "write yes or no, not %.*s", SLICE_FMT(text));
}

static bool
set_choice(
    uint64_t *field, struct slice text, const char *choices, struct why *why)
{
	struct slice rest = slice_of(choices), choice;

	for (uint64_t i = 0; slice_token(&rest, S(" "), &choice); i++) {
		if (slice_eq_nocase(choice, text)) {
			*field = i;
			return true;
		}
	}
	return why_set(why, "%.*s is not one of: %s", SLICE_FMT(text), choices);
}

static const struct unit size_units[] = { { 'k', 1024 }, { 'm', 1024 * 1024 },
	{ 'g', 1024 * 1024 * 1024 }, { 0, 0 } };
static const struct unit time_units[] = { { 's', 1 }, { 'm', 60 },
	{ 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 }, { 0, 0 } };
static const struct unit no_units[] = { { 0, 0 } };

static bool
set_path(char **field, struct slice text, struct why *why)
{
	if (text.len > 0 && text.ptr[0] != '/')
		return why_set(
		    why, "%.*s is not an absolute path", SLICE_FMT(text));
	*field = copy_text(text, false);
	return true;
}

bool
settings_set(struct settings *settings, const struct settings_row *row,
    struct slice text, struct why *why)
{
	void *field = field_of(settings, row);

	settings_clear(settings, row);
	switch (row->kind) {
	case SETTING_STRING:
		*(char **)field = copy_text(text, false);
		return true;
	case SETTING_PATH:
		return set_path(field, text, why);
	case SETTING_LIST:
	case SETTING_WORDS:
		set_list(field, text, row->kind == SETTING_LIST);
		return true;
	case SETTING_NETWORKS:
		return set_networks(field, text, why);
	case SETTING_BOOLEAN:
		return set_boolean(field, text, why);
	case SETTING_NUMBER:
		return set_scaled(field, text, no_units, why);
	case SETTING_SIZE:
		return set_scaled(field, text, size_units, why);
	case SETTING_TIME:
		return set_scaled(field, text, time_units, why);
	case SETTING_CHOICE:
		return set_choice(field, text, row->choices, why);
	}
	return why_set(why, "unknown kind of setting");
}

static void
format_networks(const struct network_list *list, struct buf *out)
{
	char text[NETADDR_TEXT_SIZE];

	for (size_t i = 0; i < list->count; i++)
		buf_add_format(out, "%s%s/%u", i == 0 ? "" : " ",
		    netaddr_format(&list->items[i].base, text),
		    (unsigned int)list->items[i].bits);
}

/* The largest unit that divides the value. */
static void
format_scaled(uint64_t value, const struct unit *units, struct buf *out)
{
	struct unit best = { '\0', 1 };

	for (; units->letter != '\0'; units++)
		if (value > 0 && value % units->factor == 0)
			best = *units;
	buf_add_format(out, "%llu", (unsigned long long)(value / best.factor));
	if (best.factor > 1)
		buf_add_char(out, best.letter);
}

static void
format_choice(uint64_t value, const char *choices, struct buf *out)
{
	struct slice rest = slice_of(choices), choice = S("");

	for (uint64_t i = 0; i <= value; i++)
		(void)slice_token(&rest, S(" "), &choice);
	buf_add(out, choice);
}

void
settings_format(const struct settings *settings, const struct settings_row *row,
    struct buf *out)
{
	const void *field = (const char *)settings + row->offset;
	const struct string_list *list = field;

	switch (row->kind) {
	case SETTING_STRING:
	case SETTING_PATH:
		buf_add(out, slice_of(*(char *const *)field));
		break;
	case SETTING_LIST:
	case SETTING_WORDS:
		for (size_t i = 0; i < list->count; i++)
			buf_add_format(
			    out, "%s%s", i == 0 ? "" : " ", list->items[i]);
		break;
	case SETTING_NETWORKS:
		format_networks(field, out);
		break;
	case SETTING_BOOLEAN:
		buf_add_string(out, *(const bool *)field ? "yes" : "no");
		break;
	case SETTING_NUMBER:
		format_scaled(*(const uint64_t *)field, no_units, out);
		break;
	case SETTING_SIZE:
		format_scaled(*(const uint64_t *)field, size_units, out);
		break;
	case SETTING_TIME:
		format_scaled(*(const uint64_t *)field, time_units, out);
		break;
	case SETTING_CHOICE:
		format_choice(*(const uint64_t *)field, row->choices, out);
		break;
	}
}
