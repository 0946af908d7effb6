/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/policy_protocol.h"

#include <stdio.h>
#include <string.h>

static void
add(struct buf *out, const char *name, struct slice value)
{
	buf_add_format(out, "%s=", name);
	for (size_t i = 0; i < value.len; i++)
		buf_add_char(
		    out, ascii_is_print(value.ptr[i]) ? value.ptr[i] : '?');
	buf_add_char(out, '\n');
}

void
policy_request_format(const struct policy_request *request, struct buf *out)
{
	add(out, "request", S("smtpd_access_policy"));
	add(out, "protocol_state", slice_of(request->state));
	add(out, "protocol_name", request->is_esmtp ? S("ESMTP") : S("SMTP"));
	add(out, "helo_name", request->helo);
	add(out, "queue_id", request->queue_id);
	add(out, "sender", request->sender);
	add(out, "recipient", request->recipient);
	add(out, "recipient_count", S("0"));
	add(out, "client_address", slice_of(request->client_address));
	add(out, "client_name", slice_of(request->client_name));
	add(out, "reverse_client_name", slice_of(request->client_name));
	buf_add_format(out, "client_port=%u\n", request->client_port);
	add(out, "instance", slice_of(request->instance));
	add(out, "sasl_method", S(""));
	add(out, "sasl_username", request->login);
	add(out, "sasl_sender", S(""));
	buf_add_format(out, "size=%llu\n", (unsigned long long)request->size);
	add(out, "encryption_protocol", slice_of(request->tls_version));
	add(out, "encryption_cipher", slice_of(request->tls_cipher));
	buf_add_char(out, '\n');
}

static void
set_text(struct policy_reply *reply, struct slice text, const char *other)
{
	text = slice_trim(text);
	if (text.len == 0)
		text = slice_of(other);
	text = slice_first(text, sizeof(reply->text) - 1);
	for (size_t i = 0; i < text.len; i++)
		reply->text[i] =
		    ascii_is_print(text.ptr[i]) ? text.ptr[i] : '?';
	reply->text[text.len] = '\0';
}

/* "5.7.1" in front of the text, when its class is the code's. */
static struct slice
take_status(struct policy_reply *reply, struct slice text)
{
	struct slice word, rest = text, part;
	uint64_t number;
	int parts = 0;

	text = slice_trim(text);
	if (!slice_cut(text, ' ', &word, &rest))
		rest = S("");
	part = word;
	if (word.len < 5 || word.ptr[0] != (char)('0' + reply->code / 100))
		return text;
	while (part.len > 0) {
		struct slice one;

		slice_cut(part, '.', &one, &part);
		if (!slice_u64(one, 999, &number))
			return text;
		parts++;
	}
	if (parts != 3 || word.ptr[1] != '.' ||
	    !slice_to_array(word, reply->status, sizeof(reply->status)))
		return text;
	return rest;
}

static void
refuse(struct policy_reply *reply, unsigned int code, struct slice text)
{
	reply->action = POLICY_REFUSE;
	reply->code = code;
	snprintf(reply->status, sizeof(reply->status), "%u.7.1", code / 100);
	set_text(reply, take_status(reply, text),
	    code < 500 ? "the policy server says: later"
		       : "the policy server refuses it");
}

/* "Name: value", of printable bytes; else it is unknown. */
static void
prepend(struct policy_reply *reply, struct slice text)
{
	struct slice name, value;

	if (!slice_cut(slice_trim(text), ':', &name, &value) ||
	    !slice_to_array(name, reply->name, sizeof(reply->name)) ||
	    name.len == 0)
		return;
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_print(name.ptr[i]) || name.ptr[i] == ' ')
			return;
	reply->action = POLICY_PREPEND;
	set_text(reply, value, "");
}

enum form {
	FORM_NOTHING,
	FORM_TEXT,
	FORM_REFUSE_LATER,
	FORM_REFUSE,
	FORM_FIELD
};

static const struct {
	struct slice word;
	enum policy_action action;
	enum form form;
} actions[] = {
	{ SLICE("DUNNO"), POLICY_DUNNO, FORM_NOTHING },
	{ SLICE("OK"), POLICY_OK, FORM_NOTHING },
	{ SLICE("PERMIT"), POLICY_OK, FORM_NOTHING },
	{ SLICE("REJECT"), POLICY_REFUSE, FORM_REFUSE },
	{ SLICE("DEFER"), POLICY_REFUSE, FORM_REFUSE_LATER },
	/* Whatever enqueue and verify checked before was permitted. */
	{ SLICE("DEFER_IF_PERMIT"), POLICY_REFUSE, FORM_REFUSE_LATER },
	{ SLICE("DEFER_IF_REJECT"), POLICY_DEFER_IF_REJECT, FORM_NOTHING },
	{ SLICE("HOLD"), POLICY_HOLD, FORM_TEXT },
	{ SLICE("DISCARD"), POLICY_DISCARD, FORM_NOTHING },
	{ SLICE("PREPEND"), POLICY_PREPEND, FORM_FIELD },
	{ SLICE("WARN"), POLICY_DUNNO, FORM_TEXT },
	{ SLICE("INFO"), POLICY_DUNNO, FORM_TEXT },
};

static void
parse_word(struct policy_reply *reply, struct slice word, struct slice text)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (!slice_eq_nocase(word, actions[i].word))
			continue;
		switch (actions[i].form) {
		case FORM_NOTHING:
			reply->action = actions[i].action;
			reply->text[0] = '\0';
			break;
		case FORM_TEXT:
			reply->action = actions[i].action;
			set_text(reply, text, "");
			break;
		case FORM_REFUSE_LATER:
			refuse(reply, 450, text);
			break;
		case FORM_REFUSE:
			refuse(reply, 554, text);
			break;
		case FORM_FIELD:
			prepend(reply, text);
			break;
		}
		return;
	}
}

/* The value of "action=". */
static void
parse_action(struct policy_reply *reply, struct slice value)
{
	struct slice word, rest;
	uint64_t code;

	value = slice_trim(value);
	set_text(reply, value, "");
	slice_cut(value, ' ', &word, &rest);
	if (!slice_u64(word, UINT32_MAX, &code))
		parse_word(reply, word, rest);
	else if (word.len == 3 && code >= 400 && code <= 599)
		refuse(reply, (unsigned int)code, rest);
	else
		reply->action = POLICY_OK; /* access(5): a number is OK */
}

bool
policy_reply_parse(struct slice input, struct policy_reply *reply)
{
	struct slice line;
	bool is_whole = false;

	memset(reply, 0, sizeof(*reply));
	reply->action = POLICY_UNKNOWN;
	while (input.len > 0 && !is_whole) {
		if (!slice_cut(input, '\n', &line, &input))
			return false;
		line = slice_trim(line);
		is_whole = line.len == 0;
		if (slice_starts(line, S("action=")))
			parse_action(reply, slice_from(line, 7));
	}
	return is_whole;
}
