/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/pause.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/fault.h"
#include "common/fsutil.h"
#include "common/log.h"

#define FILE_NAME "pauses"
#define FILE_MAX  (PAUSE_MAX * 512)

/* Printable and without blanks; nothing that a log line could choke on. */
static bool
is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_print(name.ptr[i]) || name.ptr[i] == ' ')
			return false;
	return name.len > 0 && name.len <= PAUSE_NAME_MAX;
}

static bool
is_text(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_print(text.ptr[i]))
			return false;
	return text.len <= PAUSE_TEXT_MAX;
}

bool
pause_parse(struct slice line, struct pause *pause)
{
	struct slice name, until, text;

	memset(pause, 0, sizeof(*pause));
	if (!slice_cut(line, ' ', &name, &text) || !is_name(name))
		return false;
	(void)slice_cut(text, ' ', &until, &text);
	if (!slice_u64(until, INT64_MAX, &pause->until) || !is_text(text))
		return false;
	for (size_t i = 0; i < name.len; i++)
		pause->name[i] = ascii_lower(name.ptr[i]);
	return slice_to_array(text, pause->text, sizeof(pause->text));
}

void
pause_format(struct buf *out, const struct pause *pause)
{
	buf_add_format(out, "%s %llu%s%s", pause->name,
	    (unsigned long long)pause->until, pause->text[0] != '\0' ? " " : "",
	    pause->text);
}

static size_t
find_name(const struct pauses *pauses, const char *name)
{
	size_t i = 0;

	while (
	    i < pauses->count &&
	    !slice_eq_nocase(slice_of(pauses->items[i].name), slice_of(name)))
		i++;
	return i;
}

bool
pauses_set(struct pauses *pauses, const struct pause *pause)
{
	size_t i = find_name(pauses, pause->name);

	if (i == PAUSE_MAX)
		return false;
	pauses->items[i] = *pause;
	if (i == pauses->count)
		pauses->count++;
	return true;
}

bool
pauses_remove(struct pauses *pauses, const char *name)
{
	size_t i = find_name(pauses, name);

	if (i == pauses->count)
		return false;
	pauses->items[i] = pauses->items[--pauses->count];
	return true;
}

static bool
matches(const struct pause *pause, const struct pause_target *target)
{
	struct slice name = slice_of(pause->name);

	if (slice_eq(name, S("local")))
		return target->is_local;
	if (slice_eq(name, S("remote")))
		return !target->is_local;
	if (name.ptr[0] == '.')
		return target->domain.len > name.len &&
		       slice_eq_nocase(slice_from(target->domain,
					   target->domain.len - name.len),
			   name);
	return slice_eq_nocase(name, target->domain) ||
	       slice_eq_nocase(name, target->nexthop);
}

static bool
is_over(const struct pause *pause, uint64_t now)
{
	return pause->until != 0 && pause->until <= now;
}

const struct pause *
pauses_find(const struct pauses *pauses, const struct pause_target *target,
    uint64_t now)
{
	for (size_t i = 0; i < pauses->count; i++)
		if (!is_over(&pauses->items[i], now) &&
		    matches(&pauses->items[i], target))
			return &pauses->items[i];
	return NULL;
}

const struct pause *
pauses_over(const struct pauses *pauses, uint64_t now)
{
	for (size_t i = 0; i < pauses->count; i++)
		if (is_over(&pauses->items[i], now))
			return &pauses->items[i];
	return NULL;
}

const char *
pause_reason(const struct pause *pause, char text[PAUSE_TEXT_SIZE])
{
	time_t until = (time_t)pause->until;
	struct tm local;
	char when[48] = "";

	if (until != 0 && localtime_r(&until, &local) != NULL)
		strftime(when, sizeof(when), " until %Y-%m-%d %H:%M", &local);
	snprintf(text, PAUSE_TEXT_SIZE, "paused by the administrator%s%s%s",
	    when, pause->text[0] != '\0' ? ": " : "", pause->text);
	return text;
}

bool
pauses_load(int spool_fd, struct pauses *pauses, struct why *why)
{
	struct why cause = { 0 };
	struct slice rest, line;
	struct pause pause;
	struct buf content;
	bool ok;

	pauses->count = 0;
	buf_init(&content, FILE_MAX);
	ok = fs_read_file(spool_fd, FILE_NAME, &content, &cause);
	rest = buf_slice(&content);
	while (ok && slice_token(&rest, S("\n"), &line))
		if (!pause_parse(line, &pause) || !pauses_set(pauses, &pause))
			log_warning("%s: left out: %.*s", FILE_NAME,
			    SLICE_FMT(slice_first(line, PAUSE_TEXT_MAX)));
	buf_free(&content);
	if (ok || cause.error == ENOENT)
		return true;
	return why_set(why, "%s", cause.text);
}

bool
pauses_save(int spool_fd, const struct pauses *pauses, struct why *why)
{
	struct buf content;
	bool ok;

	buf_init(&content, FILE_MAX);
	for (size_t i = 0; i < pauses->count; i++) {
		pause_format(&content, &pauses->items[i]);
		buf_add_char(&content, '\n');
	}
	ok = fs_replace(spool_fd, FILE_NAME, buf_slice(&content), 0600, why);
	fault_point("Q12");
	buf_free(&content);
	return ok;
}
