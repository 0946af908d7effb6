/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/filter_spec.h"

#include <string.h>

#include "common/front.h"
#include "common/inject.h"

enum {
	SPEC_ARENA = 65536
};

struct reading {
	struct filter_specs *specs;
	struct arena *arena;
	struct why *why;
};

static struct filter_spec *
add_spec(struct reading *r, enum filter_kind kind)
{
	struct filter_spec *spec;

	if (r->specs->count == LIMIT_FILTERS) {
		why_set(r->why, "more than %d filters", LIMIT_FILTERS);
		return NULL;
	}
	spec = &r->specs->items[r->specs->count++];
	memset(spec, 0, sizeof(*spec));
	spec->kind = kind;
	spec->places = FILTER_ON_SMTP | FILTER_ON_SUBMISSION | FILTER_ON_LOCAL;
	spec->failed = FILTER_TEMPFAIL;
	spec->connect = TIMEOUT_FILTER_CONNECT;
	spec->command = TIMEOUT_FILTER_COMMAND;
	spec->message = TIMEOUT_FILTER_MESSAGE;
	spec->spam = -1;
	spec->passes = 1;
	return spec;
}

struct word_value {
	const char *word;
	uint32_t value;
};

static const struct word_value default_words[] = { { "accept", FILTER_ACCEPT },
	{ "tempfail", FILTER_TEMPFAIL }, { "reject", FILTER_REJECT },
	{ "quarantine", FILTER_HOLD }, { NULL, 0 } };
static const struct word_value mode_words[] = { { "status", 0 }, { "print", 1 },
	{ NULL, 0 } };
static const struct word_value then_words[] = { { "reject", 0 },
	{ "quarantine", 1 }, { NULL, 0 } };
static const struct word_value place_words[] = { { "smtp", FILTER_ON_SMTP },
	{ "submission", FILTER_ON_SUBMISSION }, { "local", FILTER_ON_LOCAL },
	{ NULL, 0 } };

static bool
find_word(const struct word_value *words, struct slice text, uint32_t *value)
{
	for (; words->word != NULL; words++)
		if (slice_eq(slice_of(words->word), text)) {
			*value = words->value;
			return true;
		}
	return false;
}

/* Seconds, with s or m behind or nothing; at least one, at most the time
 * that a whole message may take. */
static bool
read_time(struct slice text, uint32_t *value)
{
	uint64_t number, factor = 1;

	if (text.len > 0 && text.ptr[text.len - 1] == 'm')
		factor = 60;
	if (text.len > 0 && (factor == 60 || text.ptr[text.len - 1] == 's'))
		text = slice_first(text, text.len - 1);
	if (!slice_u64(text, TIMEOUT_FILTER_MESSAGE, &number) || number == 0 ||
	    number * factor > TIMEOUT_FILTER_MESSAGE)
		return false;
	*value = (uint32_t)(number * factor);
	return true;
}

/* "1+2" as bits; words: names for them, else numbers below 32. */
static bool
read_bits(struct slice text, const struct word_value *words, uint32_t *value)
{
	struct slice part;
	uint64_t number;
	uint32_t bit;

	*value = 0;
	while (slice_token(&text, S("+"), &part)) {
		if (words != NULL && find_word(words, part, &bit))
			*value |= bit;
		else if (words == NULL && slice_u64(part, 31, &number))
			*value |= 1U << number;
		else
			return false;
	}
	return *value != 0;
}

static bool
set_option(struct filter_spec *spec, struct slice name, struct slice value)
{
	uint64_t number = 0;
	uint32_t word = 0;
	bool ok;

	if (slice_eq(name, S("default"))) {
		ok = find_word(default_words, value, &word);
		spec->failed = (enum filter_default)word;
	} else if (slice_eq(name, S("on"))) {
		ok = read_bits(value, place_words, &spec->places);
	} else if (slice_eq(name, S("connect"))) {
		ok = read_time(value, &spec->connect);
	} else if (slice_eq(name, S("command"))) {
		ok = read_time(value, &spec->command);
	} else if (slice_eq(name, S("message"))) {
		ok = read_time(value, &spec->message);
	} else if (spec->kind != FILTER_COMMAND) {
		ok = false;
	} else if (slice_eq(name, S("mode"))) {
		ok = find_word(mode_words, value, &word);
		spec->is_print = word != 0;
	} else if (slice_eq(name, S("then"))) {
		ok = find_word(then_words, value, &word);
		spec->spam_holds = word != 0;
	} else if (slice_eq(name, S("pass"))) {
		ok = read_bits(value, NULL, &spec->passes);
	} else {
		ok =
		    slice_eq(name, S("spam")) && slice_u64(value, 255, &number);
		if (ok)
			spec->spam = (int32_t)number;
	}
	return ok;
}

static bool
read_option(struct reading *r, struct filter_spec *spec, struct slice word)
{
	struct slice name, value;

	if (spec != NULL && slice_cut(word, '=', &name, &value) &&
	    set_option(spec, name, value))
		return true;
	return why_set(
	    r->why, "filter option %.*s is not known here", SLICE_FMT(word));
}

static bool
is_milter_address(struct slice word)
{
	struct slice port = slice_from(word, slice_last_index(word, ':') + 1);
	uint64_t number;

	if (slice_starts(word, S("unix:/")))
		return word.len < 5 + LIMIT_FILTER_SOCKET_PATH;
	return slice_starts(word, S("inet:")) &&
	       slice_u64(port, 65535, &number) && number > 0 &&
	       word.len > port.len + 6;
}

static bool
read_milters(struct reading *r, struct slice text)
{
	struct filter_spec *spec = NULL;
	struct slice word;

	while (slice_token(&text, S(" \t\r\n,"), &word)) {
		if (!slice_starts(word, S("unix:")) &&
		    !slice_starts(word, S("inet:"))) {
			if (!read_option(r, spec, word))
				return false;
			continue;
		}
		if (!is_milter_address(word))
			return why_set(r->why,
			    "milter %.*s: write unix:/path or inet:host:port",
			    SLICE_FMT(word));
		spec = add_spec(r, FILTER_MILTER);
		if (spec == NULL)
			return false;
		spec->address = arena_dup(r->arena, word);
		if (spec->address == NULL)
			return why_set(r->why, "filter settings are too long");
	}
	return true;
}

static bool
read_command(struct reading *r, struct slice text, enum filter_kind kind)
{
	struct filter_spec *spec = add_spec(r, kind);
	struct slice word;
	size_t count = 0;

	if (spec == NULL)
		return false;
	while (slice_token(&text, S(" \t\r\n"), &word)) {
		if (count == 0 && word.ptr[0] != '/') {
			if (!read_option(r, spec, word))
				return false;
			continue;
		}
		if (count == FILTER_ARGUMENTS_MAX)
			return why_set(r->why, "filter has more than %d words",
			    FILTER_ARGUMENTS_MAX);
		spec->arguments[count] = arena_dup(r->arena, word);
		if (spec->arguments[count++] == NULL)
			return why_set(r->why, "filter settings are too long");
	}
	return count > 0 || why_set(r->why, "a filter has no absolute path");
}

static bool
read_commands(struct reading *r, struct slice text, enum filter_kind kind)
{
	struct slice one;

	while (text.len > 0) {
		slice_cut(text, ';', &one, &text);
		if (slice_trim(one).len > 0 && !read_command(r, one, kind))
			return false;
	}
	return true;
}

/* Settings that a test made by hand may lack them. */
static struct slice
text_of(const char *setting)
{
	return slice_of(setting == NULL ? "" : setting);
}

bool
filter_specs_read(const struct settings *settings, struct arena *arena,
    struct filter_specs *specs, struct why *why)
{
	struct reading r = { .specs = specs, .arena = arena, .why = why };

	specs->count = 0;
	if (!read_commands(
		&r, text_of(settings->filter_commands), FILTER_COMMAND))
		return why_context(why, "filter_commands");
	if (!read_milters(&r, text_of(settings->milters)))
		return why_context(why, "milters");
	if (!read_commands(&r, text_of(settings->smtpd_filters), FILTER_SMTPD))
		return why_context(why, "smtpd_filters");
	return true;
}

const char *
filter_name(const struct filter_spec *spec)
{
	const char *slash;

	if (spec->kind == FILTER_MILTER)
		return spec->address;
	slash = strrchr(spec->arguments[0], '/');
	return slash == NULL ? spec->arguments[0] : slash + 1;
}

uint32_t
filter_place_of(uint32_t listener)
{
	if (listener == INJECT_LOCAL)
		return FILTER_ON_LOCAL;
	if (listener == LISTENER_SUBMISSION || listener == LISTENER_SUBMISSIONS)
		return FILTER_ON_SUBMISSION;
	return FILTER_ON_SMTP;
}

bool
filter_is_needed(const struct settings *settings, uint32_t listener)
{
	struct filter_specs specs;
	uint32_t place = filter_place_of(listener);
	struct arena *arena;
	bool is_needed = false;

	if (text_of(settings->milters).len == 0 &&
	    text_of(settings->filter_commands).len == 0 &&
	    text_of(settings->smtpd_filters).len == 0)
		return false;
	arena = arena_new("filters", SPEC_ARENA);
	/* Wrong settings are no reason to let everything pass. */
	if (!filter_specs_read(settings, arena, &specs, NULL))
		is_needed = true;
	for (size_t i = 0; i < specs.count; i++)
		if ((specs.items[i].places & place) != 0)
			is_needed = true;
	arena_free(&arena);
	return is_needed;
}
