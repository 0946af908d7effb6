/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/milter.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"

#include "smtpd/milter_wire.h"

const struct milter_stage_row milter_stages[MILTER_BODY + 1] = {
	[MILTER_CONNECT] = { 'C', STEP_NO_CONNECT, STEP_SILENT_CONNECT, 2 },
	[MILTER_HELO] = { 'H', STEP_NO_HELO, STEP_SILENT_HELO, 2 },
	[MILTER_MAIL] = { 'M', STEP_NO_MAIL, STEP_SILENT_MAIL, 2 },
	[MILTER_RCPT] = { 'R', STEP_NO_RCPT, STEP_SILENT_RCPT, 2 },
	[MILTER_DATA] = { 'T', STEP_NO_DATA, STEP_SILENT_DATA, 4 },
	[MILTER_END] = { 'E', 0, 0, 2 },
	[MILTER_END_OF_HEADER] = { 'N', STEP_NO_END_OF_HEADER,
	    STEP_SILENT_END_OF_HEADER, 2 },
	[MILTER_HEADER] = { 'L', STEP_NO_HEADERS, STEP_SILENT_HEADERS, 2 },
	[MILTER_BODY] = { 'B', STEP_NO_BODY, STEP_SILENT_BODY, 2 },
};

/* What is sent where the filter named none: sendmail's lists, and the id as
 * early as there is one. */
static const char *const default_symbols[MILTER_STAGES] = {
	[MILTER_CONNECT] = "j v _ {daemon_name} {client_addr} {client_name} "
			   "{client_port}",
	[MILTER_HELO] = "{tls_version} {cipher}",
	[MILTER_MAIL] = "i {auth_type} {auth_authen} {mail_addr} "
			"{mail_host} {mail_mailer}",
	[MILTER_RCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
	[MILTER_DATA] = "i",
	[MILTER_END] = "i",
	[MILTER_END_OF_HEADER] = "i",
};

void
milter_init(struct milter *milter, const struct milter_macro *macros)
{
	memset(milter, 0, sizeof(*milter));
	milter->macros = macros;
	buf_init(&milter->input, LIMIT_MILTER_PACKET + 4);
	for (int i = 0; i < MILTER_STAGES; i++)
		snprintf(milter->symbols[i], MILTER_SYMBOLS_SIZE, "%s",
		    default_symbols[i]);
}

void
milter_clear(struct milter *milter)
{
	buf_free(&milter->input);
}

static void
put_u32(struct buf *out, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_add_char(out, (char)(unsigned char)(value >> shift));
}

/* The length is filled in by packet_end. */
static size_t
packet_begin(struct buf *out, char command)
{
	size_t start = out->len;

	put_u32(out, 0);
	buf_add_char(out, command);
	return start;
}

static void
packet_end(struct buf *out, size_t start)
{
	size_t length = out->len - start - 4;

	if (out->failed)
		return;
	for (size_t i = 0; i < 4; i++)
		out->ptr[start + i] =
		    (char)(unsigned char)(length >> (24 - 8 * i));
}

/* A NUL in it would be the end of it, and the start of something else. */
static void
put_text(struct buf *out, struct slice text)
{
	buf_add(out, slice_first(text, slice_index(text, '\0')));
	buf_add_char(out, '\0');
}

static struct slice
macro_value(const struct milter *milter, struct slice name)
{
	const struct milter_macro *macro = milter->macros;

	for (; macro != NULL && macro->name.ptr != NULL; macro++)
		if (slice_eq(macro->name, name))
			return macro->value;
	return S("");
}

static void
put_macros(struct milter *milter, enum milter_stage stage, struct buf *out)
{
	struct slice rest, name, value;
	size_t start, empty;

	if (stage >= MILTER_STAGES)
		return;
	start = packet_begin(out, 'D');
	buf_add_char(out, milter_stages[stage].command);
	empty = out->len;
	rest = slice_of(milter->symbols[stage]);
	while (slice_token(&rest, S(" ,"), &name)) {
		value = macro_value(milter, name);
		if (value.len == 0)
			continue;
		put_text(out, name);
		put_text(out, value);
	}
	if (out->len == empty && !out->failed)
		out->len = start;
	else
		packet_end(out, start);
}

bool
milter_wants(const struct milter *milter, enum milter_stage stage)
{
	const struct milter_stage_row *row = &milter_stages[stage];

	if (milter->is_bad || milter->is_over || milter->version < row->since ||
	    (milter->steps & row->skipped_by) != 0)
		return false;
	if (stage > MILTER_HELO && milter->is_message_over)
		return false;
	if (stage == MILTER_HEADER)
		return !milter->skips_header;
	return stage != MILTER_BODY || !milter->skips_body;
}

bool
milter_keeps_blanks(const struct milter *milter)
{
	return (milter->steps & STEP_LEADING_SPACE) != 0;
}

/* Macros and the head of the command; false: leave it out. */
static bool
command_begin(struct milter *milter, enum milter_stage stage, struct buf *out,
    size_t *start)
{
	milter->stage = stage;
	milter->is_waiting = false;
	if (!milter_wants(milter, stage))
		return false;
	put_macros(milter, stage, out);
	*start = packet_begin(out, milter_stages[stage].command);
	milter->is_waiting =
	    (milter->steps & milter_stages[stage].silenced_by) == 0;
	return true;
}

void
milter_negotiate(struct milter *milter, uint32_t version, struct buf *out)
{
	bool is_old = version < MILTER_VERSION;
	size_t start = packet_begin(out, 'O');

	milter->offered = version;
	put_u32(out, version);
	put_u32(out, is_old ? ACTIONS_VERSION_2 : ACTIONS_ALL);
	put_u32(out, is_old ? STEPS_VERSION_2 : STEPS_ALL);
	packet_end(out, start);
	milter->is_negotiating = milter->is_waiting = true;
}

void
milter_connect(struct milter *milter, struct slice host,
    const struct netaddr *peer, struct buf *out)
{
	char address[NETADDR_TEXT_SIZE];
	size_t start;

	milter->is_over = false;
	if (!command_begin(milter, MILTER_CONNECT, out, &start))
		return;
	put_text(out, host);
	if (peer->family == 0) {
		buf_add_char(out, 'U');
	} else {
		buf_add_char(out, peer->family == 6 ? '6' : '4');
		buf_add_char(out, (char)(unsigned char)(peer->port >> 8));
		buf_add_char(out, (char)(unsigned char)(peer->port & 255));
		put_text(out, slice_of(netaddr_format(peer, address)));
	}
	packet_end(out, start);
}

void
milter_helo(struct milter *milter, struct slice name, struct buf *out)
{
	size_t start;

	if (!command_begin(milter, MILTER_HELO, out, &start))
		return;
	put_text(out, name);
	packet_end(out, start);
}

static void
put_path(struct buf *out, struct slice path)
{
	buf_add_char(out, '<');
	buf_add(out, slice_first(path, slice_index(path, '\0')));
	buf_add_char(out, '>');
	buf_add_char(out, '\0');
}

void
milter_mail(struct milter *milter, struct slice sender, struct slice arguments,
    struct buf *out)
{
	struct slice word;
	size_t start;

	milter->is_message_over = false;
	milter->skips_header = milter->skips_body = false;
	milter->has_message = true;
	if (!command_begin(milter, MILTER_MAIL, out, &start))
		return;
	put_path(out, sender);
	while (slice_token(&arguments, S(" "), &word))
		put_text(out, word);
	packet_end(out, start);
}

void
milter_rcpt(struct milter *milter, struct slice recipient, struct buf *out)
{
	size_t start;

	if (!command_begin(milter, MILTER_RCPT, out, &start))
		return;
	put_path(out, recipient);
	packet_end(out, start);
}

void
milter_data(struct milter *milter, struct buf *out)
{
	size_t start;

	if (command_begin(milter, MILTER_DATA, out, &start))
		packet_end(out, start);
}

/* Filters expect LF inside a value, as sendmail has it in memory. */
void
milter_header(struct milter *milter, struct slice name, struct slice value,
    struct buf *out)
{
	size_t start;

	if (!command_begin(milter, MILTER_HEADER, out, &start))
		return;
	put_text(out, name);
	if ((milter->steps & STEP_LEADING_SPACE) == 0)
		while (value.len > 0 && ascii_is_space(value.ptr[0]))
			value = slice_from(value, 1);
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] != '\r' && value.ptr[i] != '\0')
			buf_add_char(out, value.ptr[i]);
	buf_add_char(out, '\0');
	packet_end(out, start);
}

void
milter_end_of_header(struct milter *milter, struct buf *out)
{
	size_t start;

	if (command_begin(milter, MILTER_END_OF_HEADER, out, &start))
		packet_end(out, start);
}

void
milter_body(struct milter *milter, struct slice bytes, struct buf *out)
{
	size_t start;

	if (!command_begin(milter, MILTER_BODY, out, &start))
		return;
	buf_add(out, slice_first(bytes, MILTER_BODY_MAX));
	packet_end(out, start);
}

void
milter_end(struct milter *milter, struct buf *out)
{
	size_t start;

	if (command_begin(milter, MILTER_END, out, &start))
		packet_end(out, start);
}

void
milter_abort(struct milter *milter, struct buf *out)
{
	bool was_said = milter->has_message && !milter->is_over;

	milter->has_message = milter->is_waiting = false;
	if (was_said && !milter->is_bad)
		packet_end(out, packet_begin(out, 'A'));
}

void
milter_quit(struct milter *milter, struct buf *out)
{
	milter->is_waiting = false;
	if (!milter->is_bad)
		packet_end(out, packet_begin(out, 'Q'));
	milter->is_over = true;
}
