/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/milter.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"

#include "smtpd/milter_wire.h"

enum {
	HEAD = 5
}; /* length and command */

struct packet {
	char command;
	struct slice rest;
};

static uint32_t
take_u32(struct slice *rest)
{
	uint32_t value = 0;

	for (size_t i = 0; i < 4 && i < rest->len; i++)
		value = value << 8 | (unsigned char)rest->ptr[i];
	*rest = slice_from(*rest, 4);
	return value;
}

/* A text with its NUL. */
static bool
take_text(struct slice *rest, struct slice *text)
{
	return slice_cut(*rest, '\0', text, rest);
}

static enum milter_answer
bad(struct milter *milter, struct milter_said *said, const char *text)
{
	milter->is_bad = true;
	milter->is_waiting = false;
	snprintf(said->text, sizeof(said->text), "%s", text);
	return MILTER_BAD;
}

/* Number of a stage and its macros, any number of times. */
static bool
take_symbols(struct milter *milter, struct slice rest)
{
	struct slice list;
	uint32_t stage;

	while (rest.len > 0) {
		stage = rest.len < 4 ? MILTER_STAGES : take_u32(&rest);
		if (stage >= MILTER_STAGES || !take_text(&rest, &list) ||
		    !slice_to_array(
			list, milter->symbols[stage], MILTER_SYMBOLS_SIZE))
			return false;
	}
	return true;
}

static enum milter_answer
on_negotiate(struct milter *milter, struct packet *p, struct milter_said *said)
{
	bool is_old = milter->offered < MILTER_VERSION;
	uint32_t actions = is_old ? ACTIONS_VERSION_2 : ACTIONS_ALL;
	uint32_t steps = is_old ? STEPS_VERSION_2 : STEPS_ALL;

	if (p->command != 'O' || p->rest.len < 12)
		return bad(milter, said, "no proper answer to negotiation");
	milter->version = take_u32(&p->rest);
	milter->actions = take_u32(&p->rest);
	milter->steps = take_u32(&p->rest);
	if (milter->version < MILTER_VERSION_OLDEST ||
	    milter->version > milter->offered)
		return bad(milter, said, "version is not one we speak");
	if ((milter->actions & ~actions) != 0 || (milter->steps & ~steps) != 0)
		return bad(milter, said, "wants what was not offered");
	if (!take_symbols(milter, p->rest))
		return bad(milter, said, "malformed list of macros");
	milter->is_negotiating = milter->is_waiting = false;
	return MILTER_NEGOTIATED;
}

/* Accept and refusal end the connection for the filter, or the message; a
 * refused recipient ends nothing. */
static enum milter_answer
verdict(struct milter *milter, enum milter_answer answer)
{
	milter->is_waiting = false;
	if (answer == MILTER_CONTINUE)
		return answer;
	if (milter->stage <= MILTER_HELO)
		milter->is_over = true;
	else if (milter->stage != MILTER_RCPT || answer != MILTER_REFUSE)
		milter->is_message_over = true;
	return answer;
}

static enum milter_answer
refuse(struct milter *milter, struct milter_said *said, uint32_t code,
    const char *text)
{
	said->code = code;
	snprintf(said->status, sizeof(said->status), "%s",
	    code >= 500 ? "5.7.1" : "4.7.1");
	snprintf(said->text, sizeof(said->text), "%s", text);
	return verdict(milter, code == 421 ? MILTER_CLOSE : MILTER_REFUSE);
}

/* "5.7.1 " in front of a text, of the class of the code. */
static bool
take_status(struct slice *text, uint32_t code, char *status, size_t size)
{
	struct slice word, rest;
	size_t dots = 0;

	slice_cut(*text, ' ', &word, &rest);
	if (word.len < 5 || word.ptr[0] != (char)('0' + code / 100))
		return false;
	for (size_t i = 0; i < word.len; i++) {
		if (word.ptr[i] == '.')
			dots++;
		else if (!ascii_is_digit(word.ptr[i]))
			return false;
	}
	if (dots != 2 || !slice_to_array(word, status, size))
		return false;
	*text = rest;
	return true;
}

/* One line of a reply behind its code: "%%" is a percent sign, and what a
 * client or a log could take for more than text becomes '?'. */
static void
add_reply_text(struct milter_said *said, struct slice line)
{
	size_t n = strlen(said->text);

	if (n > 0 && n + 1 < sizeof(said->text))
		said->text[n++] = ' ';
	for (size_t i = 0; i < line.len && n + 1 < sizeof(said->text); i++) {
		if (line.ptr[i] == '%' && i + 1 < line.len &&
		    line.ptr[i + 1] == '%')
			i++;
		said->text[n++] =
		    (char)(ascii_is_print(line.ptr[i]) ? line.ptr[i] : '?');
	}
	said->text[n] = '\0';
}

static enum milter_answer
on_reply(struct milter *milter, struct packet *p, struct milter_said *said)
{
	struct slice all, line, code;
	uint64_t number, first = 0;

	if (!take_text(&p->rest, &all) || p->rest.len > 0 || all.len < 3)
		return bad(milter, said, "malformed reply");
	said->text[0] = said->status[0] = '\0';
	while (all.len > 0) {
		slice_cut(all, '\n', &line, &all);
		line = slice_trim(line);
		code = slice_first(line, 3);
		if (!slice_u64(code, 599, &number) || number < 400 ||
		    (first != 0 && number != first))
			return bad(milter, said, "reply has no proper code");
		first = number;
		line = slice_from(line, 4);
		(void)take_status(&line, (uint32_t)number, said->status,
		    sizeof(said->status));
		add_reply_text(said, line);
	}
	said->code = (uint32_t)first;
	if (said->status[0] == '\0')
		snprintf(said->status, sizeof(said->status), "%s",
		    first >= 500 ? "5.7.1" : "4.7.1");
	return verdict(milter, first == 421 ? MILTER_CLOSE : MILTER_REFUSE);
}

static enum milter_answer
on_skip(struct milter *milter, struct packet *p, struct milter_said *said)
{
	(void)p;
	if ((milter->steps & STEP_SKIP) == 0)
		return bad(milter, said, "skip was not negotiated");
	if (milter->stage == MILTER_BODY)
		milter->skips_body = true;
	else if (milter->stage == MILTER_HEADER)
		milter->skips_header = true;
	else
		return bad(milter, said, "skip where nothing can be skipped");
	return verdict(milter, MILTER_CONTINUE);
}

static enum milter_answer
on_edit(struct milter *milter, struct packet *p, struct milter_said *said)
{
	struct verify_change *edit = &said->edit;
	bool is_ok = true;

	if (p->command == 'm' || p->command == 'i') {
		is_ok = p->rest.len >= 4;
		edit->index = take_u32(&p->rest);
	}
	if (edit->kind <= EDIT_HEADER_CHANGE) {
		is_ok = is_ok && take_text(&p->rest, &edit->name) &&
			take_text(&p->rest, &edit->value) &&
			edit->name.len > 0 && p->rest.len == 0;
	} else if (edit->kind == EDIT_BODY) {
		edit->value = p->rest;
	} else {
		/* ESMTP arguments may follow; we have no use for them. */
		is_ok = take_text(&p->rest, &edit->value);
	}
	return is_ok ? MILTER_EDIT : bad(milter, said, "malformed edit");
}

static enum milter_answer
on_quarantine(struct milter *milter, struct packet *p, struct milter_said *said)
{
	struct slice reason;

	if (!take_text(&p->rest, &reason))
		return bad(milter, said, "malformed quarantine");
	said->text[0] = '\0';
	add_reply_text(said, reason);
	return MILTER_HOLD;
}

static enum milter_answer
on_verdict(struct milter *milter, struct packet *p, struct milter_said *said)
{
	switch (p->command) {
	case 'c':
		return verdict(milter, MILTER_CONTINUE);
	case 'a':
		return verdict(milter, MILTER_ACCEPT);
	case 'd':
		if (milter->stage <= MILTER_HELO)
			return bad(milter, said, "nothing to discard");
		return verdict(milter, MILTER_DISCARD);
	case 'r':
		return refuse(milter, said,
		    milter->stage == MILTER_RCPT ? 550 : 554,
		    "refused by the mail filter");
	case 't':
		return refuse(milter, said, 451,
		    "the mail filter puts this off, try again later");
	case 'f':
	case '4':
		return refuse(
		    milter, said, 421, "the mail filter closes the connection");
	default:
		return bad(milter, said, "unknown answer");
	}
}

typedef enum milter_answer
answer_fn(struct milter *milter, struct packet *p, struct milter_said *said);

/* What comes only between E and its verdict, and with which right. */
struct edit_row {
	char command;
	uint32_t action;
	enum verify_edit kind;
};

static const struct edit_row edit_rows[] = {
	{ 'h', ACTION_ADD_HEADER, EDIT_HEADER_ADD },
	{ 'i', ACTION_ADD_HEADER, EDIT_HEADER_INSERT },
	{ 'm', ACTION_CHANGE_HEADER, EDIT_HEADER_CHANGE },
	{ 'b', ACTION_CHANGE_BODY, EDIT_BODY },
	{ 'e', ACTION_CHANGE_SENDER, EDIT_SENDER },
	{ '+', ACTION_ADD_RCPT, EDIT_RCPT_ADD },
	{ '2', ACTION_ADD_RCPT_ARGUMENTS, EDIT_RCPT_ADD },
	{ '-', ACTION_DELETE_RCPT, EDIT_RCPT_DELETE },
	{ 'q', ACTION_QUARANTINE, EDIT_BODY },
};

static enum milter_answer
on_packet(struct milter *milter, struct packet *p, struct milter_said *said)
{
	const struct edit_row *row;

	if (!milter->is_waiting)
		return bad(milter, said, "speaks when it was not asked");
	if (milter->is_negotiating)
		return on_negotiate(milter, p, said);
	for (size_t i = 0; i < sizeof(edit_rows) / sizeof(edit_rows[0]); i++) {
		row = &edit_rows[i];
		if (row->command != p->command)
			continue;
		if (milter->stage != MILTER_END ||
		    (milter->actions & row->action) == 0)
			return bad(milter, said, "edit without the right to");
		memset(&said->edit, 0, sizeof(said->edit));
		said->edit.kind = row->kind;
		return p->command == 'q' ? on_quarantine(milter, p, said)
					 : on_edit(milter, p, said);
	}
	if (p->command == 'p')
		return MILTER_PROGRESS;
	if (p->command == 'y')
		return on_reply(milter, p, said);
	if (p->command == 's')
		return on_skip(milter, p, said);
	return on_verdict(milter, p, said);
}

enum milter_answer
milter_answer(
    struct milter *milter, struct slice *input, struct milter_said *said)
{
	struct buf *held = &milter->input;
	struct slice head;
	struct packet packet;
	size_t length, take;

	memset(said, 0, sizeof(*said));
	if (milter->is_bad)
		return bad(milter, said, "was malformed before");
	/* What the last call showed goes now. */
	if (held->len >= HEAD) {
		head = buf_slice(held);
		length = take_u32(&head);
		if (held->len == length + 4)
			buf_clear(held);
	}
	for (;;) {
		length = HEAD;
		if (held->len >= HEAD) {
			head = buf_slice(held);
			length = (size_t)take_u32(&head) + 4;
			if (length < HEAD || length > LIMIT_MILTER_PACKET + 4)
				return bad(milter, said,
				    "packet of a length "
				    "out of bounds");
			if (held->len == length)
				break;
		}
		take = length - held->len;
		if (take > input->len)
			take = input->len;
		if (take == 0)
			return MILTER_MORE;
		buf_add(held, slice_first(*input, take));
		*input = slice_from(*input, take);
	}
	packet.command = held->ptr[4];
	packet.rest = slice_from(buf_slice(held), HEAD);
	return on_packet(milter, &packet, said);
}
