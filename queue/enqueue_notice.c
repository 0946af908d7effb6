/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/enqueue_notice.h"

#include <string.h>
#include <time.h>

#include "common/date.h"
#include "common/log.h"

#include "queue/enqueue_state.h"

enum {
	TEXT_MAX = 16384,
	RECIPIENTS_MAX = 64
};

struct notice {
	struct spool_message envelope;
	struct spool_recipient recipients[RECIPIENTS_MAX];
	struct buf text;
};

static void
add_target(struct enqueue *e, struct notice *notice,
    const struct target *target, struct slice original)
{
	if (notice->envelope.recipient_count < RECIPIENTS_MAX)
		notice->recipients[notice->envelope.recipient_count++] =
		    enqueue_recipient(e, target, original);
}

/* Whoever it is, if it can be resolved. */
static void
add_recipient(struct enqueue *e, struct notice *notice, struct slice text)
{
	struct resolution resolution;
	struct address address;

	arena_reset(e->scratch);
	text = arena_slice(e->arena, text);
	if (text.len == 0 || !address_parse(text, e->scratch, &address) ||
	    resolver_resolve(e->tables.resolver, &address, e->scratch,
		&resolution, NULL) != RESULT_OK)
		return;
	for (size_t i = 0; i < resolution.count; i++)
		add_target(e, notice, &resolution.targets[i], text);
}

static void
write_text(const struct enqueue *e, struct notice *notice, const char *id)
{
	const char *host = e->settings->hostname;
	struct buf *text = &notice->text;
	char date[DATE_TEXT_SIZE];

	date_format_rfc5322((time_t)notice->envelope.created, date);
	buf_add_format(text,
	    "Received: by %s (Merpati)\r\n\tid %s;\r\n\t%s\r\n", host, id,
	    date);
	buf_add_format(text,
	    "From: Mail Delivery System <MAILER-DAEMON@%s>\r\nTo: <%.*s>\r\n"
	    "Date: %s\r\nMessage-ID: <%s@%s>\r\nSubject: Mail is held: %s\r\n"
	    "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n\r\n",
	    host, SLICE_FMT(e->envelope.sender), date, id, host,
	    e->verify.hold);
	buf_add_format(text,
	    "This is the mail system at host %s.\r\n\r\n"
	    "A message was accepted, but it is held and not sent for now:\r\n"
	    "\r\n    %s\r\n\r\n"
	    "    queue id   %s\r\n    sender     <%.*s>\r\n"
	    "    recipients %zu\r\n\r\n"
	    "So will be others, until there is room again. When this was not "
	    "you,\r\nchange your password and tell postmaster.\r\n\r\n"
	    "Postmaster sees held mail with mailq, and sends it on with\r\n"
	    "mailq release %s\r\n",
	    host, e->verify.hold, e->committed, SLICE_FMT(e->envelope.sender),
	    e->envelope.recipient_count, e->committed);
}

static bool
commit(struct enqueue *e, struct notice *notice, struct why *why)
{
	struct spool_writer *writer =
	    spool_writer_open(e->tables.spool_fd, why);
	bool ok = writer != NULL;

	if (ok) {
		write_text(e, notice, spool_writer_id(writer));
		ok = !notice->text.failed &&
		     spool_writer_envelope(writer, &notice->envelope, why) &&
		     spool_writer_body(writer, buf_slice(&notice->text), why) &&
		     spool_writer_commit(writer, NULL, e->notice, why);
	}
	spool_writer_close(&writer);
	return ok;
}

void
enqueue_notice_write(struct enqueue *e)
{
	struct notice *notice = arena_alloc(e->arena, sizeof(struct notice));
	struct why why = { 0 };

	if (notice == NULL)
		return;
	buf_init(&notice->text, TEXT_MAX);
	notice->envelope.created = (uint64_t)time(NULL);
	notice->envelope.flags = SPOOL_BOUNCE;
	notice->envelope.sender = S("");
	notice->envelope.recipients = notice->recipients;
	if (e->facts.login[0] != '\0')
		add_recipient(e, notice, slice_of(e->facts.login));
	else
		add_recipient(e, notice, e->envelope.sender);
	add_recipient(e, notice, slice_of(e->settings->notify));
	if (notice->envelope.recipient_count > 0 && commit(e, notice, &why))
		log_info(
		    "%s: told by %s that it is held", e->committed, e->notice);
	else
		log_error("%s: nobody could be told that it is held: %s",
		    e->committed, why.text);
	buf_free(&notice->text);
}
