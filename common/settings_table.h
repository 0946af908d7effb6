/* SPDX-License-Identifier: ISC */
/*
 * settings_table - the one table of settings.
 *
 * Everything that knows a setting by name derives from these rows: parser,
 * defaults, "mailctl config", mail.conf(5). Order is the order shown.
 */
#ifndef COMMON_SETTINGS_TABLE_H
#define COMMON_SETTINGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/result.h"
#include "common/settings.h"
#include "common/slice.h"

enum settings_kind {
	SETTING_STRING,
	SETTING_PATH,     /* absolute */
	SETTING_LIST,     /* struct string_list, lower-cased */
	SETTING_WORDS,    /* struct string_list, case kept */
	SETTING_NETWORKS, /* struct network_list; "loopback" is a word in it */
	SETTING_BOOLEAN,  /* yes, no */
	SETTING_NUMBER,
	SETTING_SIZE,   /* bytes; K M G */
	SETTING_TIME,   /* seconds; s m h d w */
	SETTING_CHOICE, /* index into choices */
};

struct settings_row {
	const char *name;
	enum settings_kind kind;
	size_t offset;            /* in struct settings */
	const char *default_text; /* parsed like a line of the file */
	const char *choices;      /* "yes smarthost no" */
	const char *help;         /* one sentence, no period */
	const char *peers;        /* what Postfix, Dovecot, ... call it */
};

extern const struct settings_row settings_table[];

/* NULL when there is none of that name. */
const struct settings_row *settings_find_row(struct slice name);
/* The row whose name is most like it, for error messages. */
const struct settings_row *settings_nearest_row(struct slice name);

/* Parse text into the field of row; false with the reason. What the field
 * held before is released. */
bool settings_set(struct settings *settings, const struct settings_row *row,
    struct slice text, struct why *why);
/* The field's value as text, as one would write it. */
struct buf;
void settings_format(const struct settings *settings,
    const struct settings_row *row, struct buf *out);
/* Release the field. */
void settings_clear(struct settings *settings, const struct settings_row *row);

#endif
