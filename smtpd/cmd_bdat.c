/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/limits.h"

#include "smtpd/cmd.h"

/* Why no chunk is taken now. Its bytes come all the same. */
static const struct reply *
bdat_refusal(const struct session *session)
{
	static const struct reply no_mail = { 503, "5.5.1",
		"Send MAIL first: the chunk was thrown away" };
	static const struct reply no_recipient = { 503, "5.5.1",
		"Send RCPT first: no recipient was accepted yet, the chunk "
		"was thrown away" };

	if (session->phase & (PHASE_RCPT | PHASE_BDAT))
		return NULL;
	return session->phase & PHASE_MAIL ? &no_recipient : &no_mail;
}

/*
 * A length that cannot be read leaves no way to tell where the chunk ends:
 * what follows would be taken for commands, so nothing that follows is read.
 */
void
cmd_bdat(struct session *session, const struct argument *argument)
{
	static const struct reply bad = { 501, "5.5.4",
		"Syntax: BDAT length [LAST]; closing the connection" };

	if (!bdat_parse(&session->bdat, argument->text)) {
		reply_reject(session, bad);
		session_close(session);
		return;
	}
	session->bdat.refusal = bdat_refusal(session);
	if (session->phase == PHASE_RCPT) {
		session_ask(session, EFFECT_DATA);
		return;
	}
	session->mode = MODE_BDAT;
}

/* Enqueue takes a message, or not: then its chunks are thrown away. */
void
bdat_answered(struct session *session, const struct inject_reply *reply)
{
	session->mode = MODE_BDAT;
	data_begin(session);
	bdat_begin_message(
	    &session->bdat, (session->options.mail.flags & MAIL_BINARY) != 0);
	session->phase = PHASE_BDAT;
	if (reply->code < 400)
		return;
	session->unwanted = *reply;
	data_check(session);
}

/* A message of lines ends with one; binary bytes stay as they are. */
static void
bdat_finish(struct session *session)
{
	struct bdat *bdat = &session->bdat;

	session->decoder.problems |= bdat_check_end(bdat);
	if (!bdat->is_binary && !bdat->is_at_line_start)
		buf_add(&session->chunk, S("\r\n"));
	data_check(session);
	data_done(session);
}

static void
bdat_end_chunk(struct session *session)
{
	struct bdat *bdat = &session->bdat;
	char text[64];

	session->mode = MODE_COMMAND;
	if (bdat->refusal != NULL) {
		reply_reject(session, *bdat->refusal);
	} else if (session->is_refused) {
		/* RFC 3030 section 2: what was taken so far is dropped, and
		 * with it every further chunk. */
		data_done(session);
	} else if (bdat->is_last) {
		bdat_finish(session);
	} else {
		session->done[session->verb]++;
		snprintf(text, sizeof(text), "%" PRIu64 " bytes taken",
		    bdat->length);
		reply_add(session, (struct reply){ 250, "2.0.0", text });
	}
}

void
bdat_feed(struct session *session, struct slice *input)
{
	struct bdat *bdat = &session->bdat;
	struct buf *chunk = &session->chunk;
	struct slice part = slice_first(
	    *input, bdat->left < input->len ? (size_t)bdat->left : input->len);

	if (bdat->refusal == NULL) {
		if (!data_has_room(session))
			return;
		/* Two bytes are for the line end that may be missing. */
		part = slice_first(part, chunk->ceiling - chunk->len - 2);
		session->decoder.problems |=
		    bdat_check(bdat, part, LIMIT_SMTP_DATA_LINE);
		if (!session->is_refused)
			buf_add(chunk, part);
	}
	*input = slice_from(*input, part.len);
	bdat->left -= part.len;
	session->received += part.len;
	if (bdat->refusal == NULL)
		data_check(session);
	if (bdat->left == 0)
		bdat_end_chunk(session);
	else if (input->len == 0)
		session_push(session, EFFECT_READ);
}
