/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/settings_text.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/buf.h"
#include "common/fsutil.h"
#include "common/settings_table.h"

#define FILE_MAX        (1024 * 1024)
#define VALUE_MAX       65536
#define INCLUDE_DEPTH   16
#define ERRORS_MAX      100
#define ASSIGNMENTS_MAX 2000

/* One "name = value", waiting until all of the file is known. */
struct assignment {
	const struct settings_row *row;
	char *value;
	char *file;
	size_t line;
	bool is_override; /* "program.name" */
};

struct reader {
	struct settings *settings;
	struct settings_errors *errors;
	const char *program;
	const char *file;
	unsigned int depth;
	size_t line;
	struct assignment *assignments;
	size_t count;
};

void
settings_error(struct settings_errors *errors, const char *file, size_t line,
    const char *format, ...)
{
	char text[512], where[300] = "";
	va_list arguments;
	struct buf buf;

	if (errors->count >= ERRORS_MAX)
		return;
	if (line > 0)
		snprintf(where, sizeof(where), "%.250s:%zu: ", file, line);
	else if (file[0] != '\0')
		snprintf(where, sizeof(where), "%.250s: ", file);
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	buf_init(&buf, 4096);
	buf_add_string(&buf, where);
	buf_add_printable(&buf, slice_of(text));
	errors->texts = alloc_resize(
	    errors->texts, errors->count + 1, sizeof(*errors->texts));
	errors->texts[errors->count++] = alloc_string(buf_string(&buf));
	buf_free(&buf);
}

static void reader_load(struct reader *reader, const char *path);

static void
reader_add(struct reader *reader, const struct settings_row *row,
    struct slice value, bool is_override)
{
	struct assignment *assignment;
	struct buf copy;

	if (reader->count >= ASSIGNMENTS_MAX) {
		settings_error(reader->errors, reader->file, reader->line,
		    "more than %d settings", ASSIGNMENTS_MAX);
		return;
	}
	reader->assignments = alloc_resize(
	    reader->assignments, reader->count + 1, sizeof(*assignment));
	assignment = &reader->assignments[reader->count++];
	buf_init(&copy, VALUE_MAX);
	buf_add(&copy, value);
	assignment->row = row;
	assignment->value = alloc_string(buf_string(&copy));
	assignment->file = alloc_string(reader->file);
	assignment->line = reader->line;
	assignment->is_override = is_override;
	buf_free(&copy);
}

static void
reader_include(struct reader *reader, struct slice path)
{
	const char *file = reader->file;
	size_t line = reader->line;
	char array[1024];

	if (reader->depth >= INCLUDE_DEPTH ||
	    !slice_to_array(path, array, sizeof(array))) {
		settings_error(reader->errors, file, line,
		    "include: too deep or too long");
		return;
	}
	reader->depth++;
	reader_load(reader, array);
	reader->depth--;
	reader->file = file;
	reader->line = line;
}

/* One logical line, comments and empty ones already gone. */
static void
reader_line(struct reader *reader, struct slice text)
{
	struct slice name, value, program = S(""), rest;
	const struct settings_row *row;
	bool has_program;

	if (!slice_cut(text, '=', &name, &value)) {
		settings_error(reader->errors, reader->file, reader->line,
		    "expected name = value, found \"%.*s\"",
		    SLICE_FMT(slice_first(text, 60)));
		return;
	}
	name = slice_trim(name);
	value = slice_trim(value);
	if (slice_eq(name, S("include"))) {
		reader_include(reader, value);
		return;
	}
	has_program = slice_cut(name, '.', &program, &rest);
	if (has_program)
		name = rest;
	row = settings_find_row(name);
	if (row == NULL) {
		settings_error(reader->errors, reader->file, reader->line,
		    "there is no setting \"%.*s\"; did you mean %s?",
		    SLICE_FMT(slice_first(name, 60)),
		    settings_nearest_row(name)->name);
		return;
	}
	if (has_program &&
	    !slice_eq(program,
		slice_of(reader->program == NULL ? "" : reader->program)))
		return;
	reader_add(reader, row, value, has_program);
}

/* Take one logical line: the first physical one and its continuations. */
static bool
take_line(struct reader *reader, struct slice *rest, struct buf *out,
    size_t *physical)
{
	struct slice line;

	buf_clear(out);
	*physical = 0;
	while (rest->len > 0) {
		if (*physical > 0 && !ascii_is_space(rest->ptr[0]))
			break;
		(void)slice_cut(*rest, '\n', &line, rest);
		(*physical)++;
		line = slice_trim(line);
		if (*physical > 1)
			buf_add_char(out, ' ');
		if (line.len > 0 && line.ptr[0] == '#')
			continue;
		if (!buf_add(out, line))
			settings_error(reader->errors, reader->file,
			    reader->line, "line too long");
	}
	return *physical > 0;
}

static void
reader_parse(struct reader *reader, struct slice text, const char *name)
{
	size_t physical;
	struct slice line;
	struct buf buf;

	buf_init(&buf, VALUE_MAX);
	reader->file = name;
	reader->line = 1;
	while (take_line(reader, &text, &buf, &physical)) {
		line = slice_trim(buf_slice(&buf));
		if (slice_index(line, '\0') < line.len)
			settings_error(reader->errors, name, reader->line,
			    "NUL byte in the line");
		else if (line.len > 0)
			reader_line(reader, line);
		reader->line += physical;
	}
	buf_free(&buf);
}

static void
reader_load(struct reader *reader, const char *path)
{
	struct buf buf;
	struct why why;

	buf_init(&buf, FILE_MAX);
	if (fs_read_file(AT_FDCWD, path, &buf, &why))
		reader_parse(reader, buf_slice(&buf), path);
	else
		settings_error(reader->errors, path, 0, "%s", why.text);
	buf_free(&buf);
}

/* value with $hostname and $domain replaced. */
static void
expand(const struct settings *settings, struct slice value, struct buf *out)
{
	const char *domain = settings->domains.count > 0
				 ? settings->domains.items[0]
				 : settings->hostname;
	size_t dollar;

	while (value.len > 0) {
		dollar = slice_index(value, '$');
		buf_add(out, slice_first(value, dollar));
		value = slice_from(value, dollar);
		if (slice_starts(value, S("$hostname"))) {
			buf_add_string(out, settings->hostname);
			value = slice_from(value, sizeof("$hostname") - 1);
		} else if (slice_starts(value, S("$domain"))) {
			buf_add_string(out, domain);
			value = slice_from(value, sizeof("$domain") - 1);
		} else if (value.len > 0) {
			buf_add_char(out, value.ptr[0]);
			value = slice_from(value, 1);
		}
	}
}

static void
apply(struct reader *reader, const struct assignment *assignment)
{
	struct buf value;
	struct why why;

	buf_init(&value, VALUE_MAX);
	expand(reader->settings, slice_of(assignment->value), &value);
	if (value.failed)
		settings_error(reader->errors, assignment->file,
		    assignment->line, "%s: value too long",
		    assignment->row->name);
	else if (!settings_set(reader->settings, assignment->row,
		     slice_of(buf_string(&value)), &why))
		settings_error(reader->errors, assignment->file,
		    assignment->line, "%s: %s", assignment->row->name,
		    why.text);
	buf_free(&value);
}

/* hostname and domains come first, since others may name them; overrides
 * come last, since they win. Otherwise the later line wins. */
static unsigned int
pass_of(const struct assignment *assignment)
{
	struct slice name = slice_of(assignment->row->name);

	if (assignment->is_override)
		return 2;
	return slice_eq(name, S("hostname")) || slice_eq(name, S("domains"))
		   ? 0
		   : 1;
}

/* A string whose value was refused must not stay NULL. */
static void
restore_refused(struct settings *settings)
{
	const struct settings_row *row;
	const char *text;

	for (row = settings_table; row->name != NULL; row++) {
		if (row->kind != SETTING_STRING && row->kind != SETTING_PATH)
			continue;
		memcpy(
		    &text, (const char *)settings + row->offset, sizeof(text));
		if (text == NULL)
			(void)settings_set(
			    settings, row, slice_of(row->default_text), NULL);
	}
}

static void
reader_apply(struct reader *reader)
{
	for (unsigned int pass = 0; pass < 3; pass++)
		for (size_t i = 0; i < reader->count; i++)
			if (pass_of(&reader->assignments[i]) == pass)
				apply(reader, &reader->assignments[i]);
	for (size_t i = 0; i < reader->count; i++) {
		alloc_release(reader->assignments[i].value);
		alloc_release(reader->assignments[i].file);
	}
	alloc_release(reader->assignments);
	restore_refused(reader->settings);
}

void
settings_text_parse(struct settings *settings, struct slice text,
    const char *name, const char *program, struct settings_errors *errors)
{
	struct reader reader = {
		.settings = settings, .errors = errors, .program = program
	};

	reader_parse(&reader, text, name);
	reader_apply(&reader);
}

void
settings_text_load(struct settings *settings, const char *path,
    const char *program, struct settings_errors *errors)
{
	struct reader reader = {
		.settings = settings, .errors = errors, .program = program
	};

	reader_load(&reader, path);
	reader_apply(&reader);
}
