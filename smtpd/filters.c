/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/front.h"
#include "common/inject.h"
#include "common/io.h"
#include "common/limits.h"
#include "common/log.h"

#include "smtpd/filter.h"
#include "smtpd/filter_helper.h"
#include "smtpd/verify_modules.h"

enum {
	SPEC_ARENA = 65536,
	/* Ours comes before enqueue gives verify up. */
	QUESTION_SECONDS = TIMEOUT_VERIFY - 10
};

static const struct filter_functions *const kinds[] = {
	[FILTER_COMMAND] = &filter_command_functions,
	[FILTER_MILTER] = &filter_milter_functions,
	[FILTER_SMTPD] = &filter_smtpd_functions,
};

int64_t
filter_deadline(const struct filter *filter, uint32_t seconds)
{
	int64_t deadline = io_deadline(seconds);

	return deadline < filter->filters->deadline ? deadline
						    : filter->filters->deadline;
}

const char *
filter_listener(const struct filters *filters)
{
	switch (filters->verify->facts.listener) {
	case LISTENER_SUBMISSION:
		return "submission";
	case LISTENER_SUBMISSIONS:
		return "submissions";
	case INJECT_LOCAL:
		return "local";
	default:
		return "smtp";
	}
}

static bool
is_wanted(const struct settings *settings)
{
	return filter_is_needed(settings, LISTENER_SMTP) ||
	       filter_is_needed(settings, LISTENER_SUBMISSION) ||
	       filter_is_needed(settings, INJECT_LOCAL);
}

static bool
open_filters(struct filters *f, struct why *why)
{
	bool needs_helper = false;

	if (!filter_specs_read(f->settings, f->arena, &f->specs, why))
		return false;
	for (size_t i = 0; i < f->specs.count; i++)
		needs_helper |= f->specs.items[i].kind != FILTER_MILTER;
	if (needs_helper) {
		f->helper = filter_helper_start(f->settings, &f->specs, why);
		if (f->helper < 0)
			return false;
	}
	for (size_t i = 0; i < f->specs.count; i++) {
		struct filter *filter = &f->items[i];

		filter->spec = &f->specs.items[i];
		filter->functions = kinds[filter->spec->kind];
		filter->filters = f;
		filter->number = i;
		if (!filter->functions->open(filter, why))
			return why_context(
			    why, "%s", filter_name(filter->spec));
	}
	return true;
}

static void
close_filters(void *state)
{
	struct filters *f = state;

	for (size_t i = 0; i < f->specs.count; i++)
		if (f->items[i].functions != NULL)
			f->items[i].functions->close(&f->items[i]);
	if (f->helper >= 0)
		close(f->helper);
	filter_message_free(&f->message);
	arena_free(&f->arena);
	alloc_release(f);
}

static bool
tell_change(void *context, const struct verify_change *change)
{
	const struct filters *f = context;

	return f->verify->change != NULL &&
	       f->verify->change(f->verify->context, change);
}

/* A filter that cannot be set up is no reason to let everything pass: what
 * is left answers "later" to all. */
static void *
open_module(const struct settings *settings, struct why *why)
{
	struct filters *f = alloc_zero(1, sizeof(*f));
	char directory[4096];
	char *kept;

	f->settings = settings;
	f->helper = -1;
	f->arena = arena_new("filters", SPEC_ARENA);
	snprintf(directory, sizeof(directory), "%s/verify",
	    settings->state_directory);
	kept = arena_dup(f->arena, slice_of(directory));
	filter_message_init(&f->message, kept, tell_change, f);
	f->is_unusable = !open_filters(f, why);
	if (f->is_unusable)
		log_error("content filters: %s: mail is put off", why->text);
	return f;
}

static bool
is_here(const struct filter *filter)
{
	return (filter->spec->places &
		   filter_place_of(filter->filters->verify->facts.listener)) !=
	       0;
}

static void
on_failure(struct filter *filter, const struct why *failure,
    struct verify_reply *reply)
{
	const char *name = filter_name(filter->spec);
	const struct filters *f = filter->filters;

	filter->functions->abort(filter);
	filter->is_out = true;
	memset(reply, 0, sizeof(*reply));
	log_warning("%s: filter %s failed: %s", f->verify->facts.id, name,
	    failure->text);
	switch (filter->spec->failed) {
	case FILTER_ACCEPT:
		break;
	case FILTER_TEMPFAIL:
		verify_refuse(reply, 451, "4.7.1",
		    "a mail filter here does not work, try again later");
		break;
	case FILTER_REJECT:
		verify_refuse(
		    reply, 554, "5.7.1", "a mail filter here does not work");
		break;
	case FILTER_HOLD:
		verify_hold(reply, "filter %s failed", name);
		break;
	}
}

static const char *const action_names[VERIFY_ACTIONS] = {
	[VERIFY_PASS] = "pass",
	[VERIFY_REFUSE] = "refuse",
	[VERIFY_DROP] = "discard",
	[VERIFY_HOLD] = "quarantine",
	[VERIFY_CLOSE] = "close",
};

/* One filter; true: ask the next one as well. */
static bool
ask_filter(
    struct filter *filter, enum filter_stage stage, struct verify_reply *reply)
{
	static const char *const stages[] = { "MAIL", "RCPT", "DATA", "END" };
	struct filters *f = filter->filters;
	struct verify_reply one = { .action = VERIFY_PASS };
	struct why why = { 0 };

	if (stage == FILTER_AT_MAIL)
		filter->is_out = false;
	if (filter->is_out || !is_here(filter))
		return true;
	if (!filter->functions->ask(filter, stage, &one, &why) ||
	    (stage == FILTER_AT_END &&
		!filter_message_settle(&f->message, &why)))
		on_failure(filter, &why, &one);
	if (one.action == VERIFY_PASS)
		return true;
	log_info("%s: filter %s: %s at %s: %u %s %s; from=<%.*s>",
	    f->id[0] == '\0' ? f->verify->facts.id : f->id,
	    filter_name(filter->spec), action_names[one.action], stages[stage],
	    one.code, one.status, one.text, SLICE_FMT(f->verify->sender));
	if (one.action != VERIFY_HOLD || reply->action != VERIFY_HOLD)
		*reply = one;
	return one.action == VERIFY_HOLD;
}

static void
ask_all(struct filters *f, enum filter_stage stage, struct verify_reply *reply)
{
	for (size_t i = 0; i < f->specs.count; i++)
		if (!ask_filter(&f->items[i], stage, reply))
			return;
}

static void
abort_all(struct filters *f)
{
	for (size_t i = 0; i < f->specs.count; i++)
		f->items[i].functions->abort(&f->items[i]);
	filter_message_reset(&f->message);
	f->is_broken = false;
	f->id[0] = '\0';
}

static void
keep_chunk(struct filters *f, struct slice bytes)
{
	struct why why = { 0 };

	if (f->is_broken || filter_message_add(&f->message, bytes, &why))
		return;
	log_error("content filters: %s", why.text);
	f->is_broken = true;
}

static void
end_message(struct filters *f, struct verify_reply *reply)
{
	struct why why = { 0 };

	if (!f->is_broken && filter_message_open(&f->message, &why)) {
		ask_all(f, FILTER_AT_END, reply);
		if (reply->action != VERIFY_PASS &&
		    reply->action != VERIFY_HOLD)
			return;
		if (filter_message_finish(&f->message, &why))
			return;
	}
	if (why.text[0] != '\0')
		log_error("content filters: %s", why.text);
	verify_refuse(reply, 451, "4.3.0",
	    "the message cannot be filtered now, try again later");
}

static bool
has_filter_here(const struct filters *f)
{
	for (size_t i = 0; i < f->specs.count; i++)
		if (is_here(&f->items[i]))
			return true;
	return false;
}

static void
ask(struct verify *verify, void *state, const struct verify_question *question,
    struct verify_reply *reply)
{
	struct filters *f = state;

	f->verify = verify;
	f->question = question;
	f->deadline = io_deadline(QUESTION_SECONDS);
	if (f->is_unusable) {
		if (question->type == VERIFY_MAIL)
			verify_refuse(reply, 451, "4.3.0",
			    "the mail filters here do not work, try again "
			    "later");
		return;
	}
	switch (question->type) {
	case VERIFY_MAIL:
		abort_all(f);
		f->flags = question->flags;
		(void)slice_to_array(question->id, f->id, sizeof(f->id));
		ask_all(f, FILTER_AT_MAIL, reply);
		break;
	case VERIFY_RCPT:
		ask_all(f, FILTER_AT_RCPT, reply);
		break;
	case VERIFY_DATA:
		(void)slice_to_array(question->id, f->id, sizeof(f->id));
		ask_all(f, FILTER_AT_DATA, reply);
		if (reply->action == VERIFY_PASS && has_filter_here(f))
			reply->code = 354;
		break;
	case VERIFY_CHUNK:
		keep_chunk(f, question->bytes);
		break;
	case VERIFY_END:
		end_message(f, reply);
		break;
	case VERIFY_ABORT:
		abort_all(f);
		break;
	case VERIFY_CONNECT:
	case VERIFY_GREET:
	case VERIFY_REPLY:
	case VERIFY_EDIT:
		break;
	}
}

const struct verify_module verify_filter_module = {
	.name = "filters",
	.asks = VERIFY_ASKS(VERIFY_MAIL) | VERIFY_ASKS(VERIFY_RCPT) |
		VERIFY_ASKS(VERIFY_DATA) | VERIFY_ASKS(VERIFY_CHUNK) |
		VERIFY_ASKS(VERIFY_END) | VERIFY_ASKS(VERIFY_ABORT),
	.is_wanted = is_wanted,
	.open = open_module,
	.close = close_filters,
	.ask = ask,
};
