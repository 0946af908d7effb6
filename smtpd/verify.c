/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/io.h"
#include "common/limits.h"
#include "common/log.h"

enum {
	ENVELOPE_MAX = 4096
};

void
verify_init(struct verify *verify, const struct settings *settings)
{
	memset(verify, 0, sizeof(*verify));
	verify->settings = settings;
	buf_init(&verify->envelope, ENVELOPE_MAX);
}

static void
open_dns(struct verify *verify)
{
	const struct string_list *servers = &verify->settings->dns_servers;
	struct buf text;

	if (servers->count == 0) {
		dns_open(&verify->dns, "/etc/resolv.conf", "/etc/hosts");
		return;
	}
	dns_open(&verify->dns, "/dev/null", "/etc/hosts");
	verify->dns.server_count = 0;
	buf_init(&text, 4096);
	for (size_t i = 0; i < servers->count; i++)
		buf_add_format(&text, "nameserver %s\n", servers->items[i]);
	dns_configure(&verify->dns, buf_slice(&text));
	buf_free(&text);
}

void
verify_open(struct verify *verify)
{
	const struct verify_module *module;
	struct why why = { 0 };

	open_dns(verify);
	for (size_t i = 0; (module = verify_modules[i]) != NULL; i++) {
		BUG_UNLESS(i < VERIFY_MODULES_MAX);
		if (!module->is_wanted(verify->settings))
			continue;
		if (module->open != NULL)
			verify->states[i] =
			    module->open(verify->settings, &why);
		verify->is_used[i] =
		    module->open == NULL || verify->states[i] != NULL;
		if (!verify->is_used[i])
			log_error("%s is left out: %s", module->name, why.text);
	}
}

void
verify_close(struct verify *verify)
{
	for (size_t i = 0; verify_modules[i] != NULL; i++)
		if (verify->states[i] != NULL)
			verify_modules[i]->close(verify->states[i]);
	dns_close(&verify->dns);
	verify_memory_close(&verify->memory);
	buf_free(&verify->envelope);
}

static bool
is_trusted(const struct verify *verify, struct slice login)
{
	return login.len > 0 || verify->facts.listener == INJECT_LOCAL ||
	       network_list_contains(
		   &verify->settings->mynetworks, &verify->facts.peer);
}

static void
begin_connection(struct verify *verify, const struct verify_question *question)
{
	verify->connected = io_now();
	verify->is_allowed = false;
	verify->facts = question->facts;
	verify->is_connected = true;
	verify->is_trusted = is_trusted(verify, slice_of(verify->facts.login));
	verify->client[0] = '\0';
}

/* The slices of a question are gone with its message: kept in one buffer
 * whose place does not change. */
static struct slice
keep(struct verify *verify, struct slice s)
{
	size_t start = verify->envelope.len;

	s = slice_first(s, ENVELOPE_MAX / 4);
	(void)buf_add(&verify->envelope, s);
	return slice_make(verify->envelope.ptr + start, s.len);
}

static void
forget_message(struct verify *verify)
{
	buf_clear(&verify->envelope);
	verify->helo = verify->sender = verify->login = S("");
	verify->size = 0;
	verify->recipients = 0;
	verify->id[0] = '\0';
}

static void
begin_message(struct verify *verify, const struct verify_question *question)
{
	forget_message(verify);
	if (buf_reserve(&verify->envelope, ENVELOPE_MAX) == NULL)
		return;
	verify->helo = keep(verify, question->helo);
	verify->sender = keep(verify, question->sender);
	verify->login = keep(verify, question->login);
	verify->size = question->size;
	verify->is_esmtp = question->is_esmtp;
	verify->is_trusted = is_trusted(verify, verify->login);
}

/* HOLD stays unless something stronger comes. */
static void
merge(struct verify_reply *all, const struct verify_reply *one)
{
	if (one->action == VERIFY_PASS && all->action == VERIFY_PASS) {
		if (one->code > all->code)
			all->code = one->code;
		if (one->text[0] != '\0')
			memcpy(all->text, one->text, sizeof(all->text));
	} else if (one->action != VERIFY_PASS &&
		   (one->action != VERIFY_HOLD || all->action != VERIFY_HOLD)) {
		*all = *one;
	}
}

static bool
is_end(enum verify_action action)
{
	return action == VERIFY_REFUSE || action == VERIFY_CLOSE ||
	       action == VERIFY_DROP;
}

static void
ask_modules(struct verify *verify, const struct verify_question *question,
    struct verify_reply *reply)
{
	const struct verify_module *module;
	struct verify_reply one;

	for (size_t i = 0; (module = verify_modules[i]) != NULL; i++) {
		if (!verify->is_used[i] ||
		    (module->asks & VERIFY_ASKS(question->type)) == 0)
			continue;
		memset(&one, 0, sizeof(one));
		module->ask(verify, verify->states[i], question, &one);
		merge(reply, &one);
		if (is_end(reply->action))
			return;
	}
}

bool
verify_answer(struct verify *verify, const struct verify_question *question,
    struct verify_reply *reply)
{
	memset(reply, 0, sizeof(*reply));
	verify->dns.deadline = io_deadline(TIMEOUT_VERIFY_NAMES);
	if (question->type == VERIFY_CONNECT)
		begin_connection(verify, question);
	if (question->type == VERIFY_MAIL)
		begin_message(verify, question);
	if (question->type == VERIFY_DATA)
		(void)slice_to_array(
		    question->id, verify->id, sizeof(verify->id));
	ask_modules(verify, question, reply);
	if (question->type == VERIFY_CONNECT && reply->action == VERIFY_PASS)
		snprintf(
		    reply->text, sizeof(reply->text), "%s", verify->client);
	if (question->type == VERIFY_RCPT && !is_end(reply->action))
		verify->recipients++;
	if (question->type == VERIFY_ABORT)
		forget_message(verify);
	return question->type != VERIFY_CHUNK && question->type != VERIFY_ABORT;
}

__attribute__((format(printf, 2, 0))) static void
format_text(struct verify_reply *reply, const char *format, va_list arguments)
{
	vsnprintf(reply->text, sizeof(reply->text), format, arguments);
	for (char *c = reply->text; *c != '\0'; c++)
		if (!ascii_is_print(*c))
			*c = '?';
}

void
verify_refuse(struct verify_reply *reply, unsigned int code, const char *status,
    const char *format, ...)
{
	va_list arguments;

	reply->action = code == 421 ? VERIFY_CLOSE : VERIFY_REFUSE;
	reply->code = code;
	snprintf(reply->status, sizeof(reply->status), "%s", status);
	va_start(arguments, format);
	format_text(reply, format, arguments);
	va_end(arguments);
}

void
verify_hold(struct verify_reply *reply, const char *format, ...)
{
	va_list arguments;

	reply->action = VERIFY_HOLD;
	reply->code = 0;
	va_start(arguments, format);
	format_text(reply, format, arguments);
	va_end(arguments);
}

bool
verify_put_field(struct verify *verify, struct slice name, struct slice value)
{
	const struct verify_change change = {
		.kind = EDIT_HEADER_INSERT, .name = name, .value = value
	};

	return verify->change != NULL &&
	       verify->change(verify->context, &change);
}
