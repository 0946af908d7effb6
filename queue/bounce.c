/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/bounce.h"

#include <string.h>
#include <time.h>

#include "common/date.h"
#include "common/utf8.h"

#define PIECE_MIN 32768
#define PIECE_MAX (4 * PIECE_MIN)

/* What the kinds differ in. */
struct kind_words {
	const char *subject;
	const char *text;
	const char *original; /* its description */
};

static const struct kind_words words[BOUNCE_KINDS] = {
	[BOUNCE_FAILED] = { "Undelivered Mail Returned to Sender",
	    "Your message could not be delivered to one or more "
	    "recipients.\r\nIt is attached below, and nothing more will be "
	    "tried for them.\r\n",
	    "Undelivered Message" },
	[BOUNCE_DELAYED] = { "Delayed Mail (still being retried)",
	    "Your message could not be delivered yet to one or more "
	    "recipients.\r\nIt is still being tried; you do not need to send "
	    "it again.\r\n",
	    "Delayed Message" },
	[BOUNCE_SUCCESS] = { "Successful Mail Delivery Report",
	    "Your message was delivered to these recipients, or handed to a "
	    "host\r\nthat sends no such reports. You asked to be told.\r\n",
	    "Delivered Message" },
	[BOUNCE_EXPANDED] = { "Successful Mail Delivery Report",
	    "These addresses stand for several recipients, to whom your "
	    "message goes\r\non. You asked to be told, and will hear of "
	    "failures only.\r\n",
	    "Delivered Message" },
};

struct writer {
	const struct bounce *bounce;
	struct buf piece;
	bounce_sink *sink;
	void *context;
	bool ok;
};

/* The last letters are random ones: moving them keeps id and time valid. */
void
bounce_derive_id(const char *id, enum bounce_kind kind, uint32_t attempts,
    char derived[SPOOL_ID_SIZE])
{
	static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	const char *high = strchr(letters, id[SPOOL_ID_LENGTH - 2]);
	const char *low = strchr(letters, id[SPOOL_ID_LENGTH - 1]);
	unsigned int value =
	    (unsigned int)(high == NULL ? 0 : high - letters) * 32 +
	    (unsigned int)(low == NULL ? 0 : low - letters);
	/* Another one for each kind, and never 0: it is another id. */
	unsigned int step =
	    (attempts % 255) * BOUNCE_KINDS + 1 + (unsigned int)kind;

	value = (value + step) % 1024;
	memcpy(derived, id, SPOOL_ID_LENGTH + 1);
	derived[SPOOL_ID_LENGTH - 2] = letters[value / 32];
	derived[SPOOL_ID_LENGTH - 1] = letters[value % 32];
}

static void
flush(struct writer *writer, size_t least)
{
	if (writer->piece.len < least)
		return;
	writer->ok = writer->ok && !writer->piece.failed &&
		     writer->sink(writer->context, buf_slice(&writer->piece));
	buf_clear(&writer->piece);
}

/* In a global report UTF-8 stays what it is; nothing ends a line. */
static void
add_text(struct writer *writer, struct slice text)
{
	bool is_utf8 = writer->bounce->is_global && utf8_is_valid(text);

	for (size_t i = 0; i < text.len; i++)
		if (is_utf8 && (unsigned char)text.ptr[i] >= 0x80)
			buf_add_char(&writer->piece, text.ptr[i]);
		else
			buf_add_printable(
			    &writer->piece, slice_make(text.ptr + i, 1));
}

static void
add_time(struct buf *out, const char *name, int64_t when)
{
	char date[DATE_TEXT_SIZE];

	buf_add_format(
	    out, "%s%s\r\n", name, date_format_rfc5322((time_t)when, date));
}

static void
add_boundary(struct writer *writer, const char *end)
{
	buf_add_format(&writer->piece, "--%s/%s%s\r\n", writer->bounce->id,
	    writer->bounce->hostname, end);
}

static void
add_header(struct writer *writer)
{
	const struct bounce *bounce = writer->bounce;
	struct buf *out = &writer->piece;

	buf_add_format(out,
	    "From: MAILER-DAEMON@%s (Mail Delivery System)\r\n"
	    "To: %.*s\r\n"
	    "Subject: %s\r\n",
	    bounce->hostname, SLICE_FMT(bounce->to),
	    words[bounce->kind].subject);
	add_time(out, "Date: ", bounce->now);
	buf_add_format(out,
	    "Message-ID: <%s@%s>\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; "
	    "report-type=%sdelivery-status;\r\n"
	    "\tboundary=\"%s/%s\"\r\n",
	    bounce->id, bounce->hostname, bounce->is_global ? "global-" : "",
	    bounce->id, bounce->hostname);
	if (bounce->is_8bit || bounce->is_global)
		buf_add_string(out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_add_string(out, "\r\nThis is a MIME-encapsulated message.\r\n\r\n");
}

static void
add_part(struct writer *writer, const char *description, const char *type,
    bool is_8bit)
{
	add_boundary(writer, "");
	buf_add_format(&writer->piece,
	    "Content-Description: %s\r\nContent-Type: %s\r\n", description,
	    type);
	if (is_8bit)
		buf_add_string(
		    &writer->piece, "Content-Transfer-Encoding: 8bit\r\n");
	buf_add_string(&writer->piece, "\r\n");
}

static void
add_people_text(struct writer *writer)
{
	const struct bounce *bounce = writer->bounce;
	const struct bounce_recipient *recipient;
	struct buf *out = &writer->piece;

	add_part(writer, "Notification",
	    bounce->is_global ? "text/plain; charset=utf-8"
			      : "text/plain; charset=us-ascii",
	    bounce->is_global);
	buf_add_format(out, "This is the mail system at host %s.\r\n\r\n%s",
	    bounce->hostname, words[bounce->kind].text);
	if (bounce->kind == BOUNCE_DELAYED)
		add_time(out, "It will be tried until ", bounce->retry_until);
	buf_add_format(out,
	    "\r\nThe queue id was %s; the administrator here can find the "
	    "message\r\nin the log by it.\r\n",
	    bounce->original_id);
	for (size_t i = 0; i < bounce->recipient_count; i++) {
		recipient = &bounce->recipients[i];
		buf_add_string(out, "\r\n<");
		add_text(writer, recipient->address);
		buf_add_string(out, ">: ");
		add_text(writer, recipient->reason.text);
		buf_add_string(out, "\r\n");
		if (recipient->reason.meaning.len > 0) {
			buf_add_string(out, "    This means: ");
			add_text(writer, recipient->reason.meaning);
			buf_add_string(out, "\r\n");
		}
		flush(writer, PIECE_MIN);
	}
	buf_add_string(out, "\r\n");
}

/* "mx.example[192.0.2.1]:25" is "mx.example" in Remote-MTA. */
static void
add_remote(struct writer *writer, const struct reason *reason)
{
	struct buf *out = &writer->piece;
	struct slice host =
	    slice_first(reason->remote, slice_index(reason->remote, '['));

	if (host.len == 0 || slice_eq(host, S("local")) ||
	    slice_eq(host, S("none"))) {
		buf_add_string(out, "Diagnostic-Code: X-Merpati; ");
	} else {
		buf_add_string(out, "Remote-MTA: dns; ");
		buf_add_printable(out, host);
		buf_add_string(out, "\r\nDiagnostic-Code: smtp; ");
	}
	add_text(writer, reason->text);
	buf_add_string(out, "\r\n");
}

static void
add_address(struct writer *writer, const char *name, struct slice address)
{
	buf_add_format(&writer->piece, "\r\n%s: %s; ", name,
	    writer->bounce->is_global && !slice_is_ascii(address) ? "utf-8"
								  : "rfc822");
	add_text(writer, address);
}

/* As the sender gave it; else what stood at RCPT, when it is another. */
static void
add_original_recipient(
    struct writer *writer, const struct bounce_recipient *recipient)
{
	struct slice type, address;

	if (recipient->orcpt.len == 0) {
		if (recipient->original.len > 0 &&
		    !slice_eq(recipient->original, recipient->address))
			add_address(
			    writer, "Original-Recipient", recipient->original);
		return;
	}
	slice_cut(recipient->orcpt, ';', &type, &address);
	buf_add_string(&writer->piece, "\r\nOriginal-Recipient: ");
	buf_add_printable(&writer->piece, type);
	buf_add_string(&writer->piece, "; ");
	add_text(writer, address);
}

/* RFC 3464 section 2.3: one group of fields per recipient. */
static void
add_recipient(struct writer *writer, const struct bounce_recipient *recipient)
{
	const struct bounce *bounce = writer->bounce;
	struct buf *out = &writer->piece;

	add_address(writer, "Final-Recipient", recipient->address);
	add_original_recipient(writer, recipient);
	buf_add_format(out, "\r\nAction: %s\r\nStatus: %.*s\r\n",
	    recipient->action, SLICE_FMT(recipient->reason.code));
	add_remote(writer, &recipient->reason);
	if (bounce->kind == BOUNCE_DELAYED)
		add_time(out, "Will-Retry-Until: ", bounce->retry_until);
}

static void
add_status(struct writer *writer)
{
	const struct bounce *bounce = writer->bounce;
	struct buf *out = &writer->piece;

	add_part(writer, "Delivery report",
	    bounce->is_global ? "message/global-delivery-status"
			      : "message/delivery-status",
	    bounce->is_global);
	if (bounce->envelope_id.len > 0) {
		buf_add_string(out, "Original-Envelope-Id: ");
		buf_add_printable(out, bounce->envelope_id);
		buf_add_string(out, "\r\n");
	}
	buf_add_format(out,
	    "Reporting-MTA: dns; %s\r\n"
	    "X-Merpati-Queue-ID: %s\r\n"
	    "X-Merpati-Sender: rfc822; ",
	    bounce->hostname, bounce->original_id);
	add_text(writer, bounce->sender);
	buf_add_string(out, "\r\n");
	add_time(out, "Arrival-Date: ", bounce->arrived);
	if (bounce->deliver_by != 0)
		add_time(out, "Deliver-By-Date: ", bounce->deliver_by);
	for (size_t i = 0; i < bounce->recipient_count; i++) {
		add_recipient(writer, &bounce->recipients[i]);
		flush(writer, PIECE_MIN);
	}
	buf_add_string(out, "\r\n");
}

static void
add_original(struct writer *writer)
{
	const struct bounce *bounce = writer->bounce;
	const char *types[2][2] = { { "text/rfc822-headers",
					"message/global-headers" },
		{ "message/rfc822", "message/global" } };

	add_part(writer,
	    bounce->is_whole ? words[bounce->kind].original : "Message Headers",
	    types[bounce->is_whole][bounce->is_global],
	    bounce->is_8bit || bounce->is_global);
}

bool
bounce_begin(const struct bounce *bounce, bounce_sink *sink, void *context)
{
	struct writer writer = {
		.bounce = bounce, .sink = sink, .context = context, .ok = true
	};

	buf_init(&writer.piece, PIECE_MAX);
	add_header(&writer);
	add_people_text(&writer);
	add_status(&writer);
	add_original(&writer);
	flush(&writer, 0);
	buf_free(&writer.piece);
	return writer.ok;
}

bool
bounce_end(const struct bounce *bounce, bounce_sink *sink, void *context)
{
	struct writer writer = {
		.bounce = bounce, .sink = sink, .context = context, .ok = true
	};

	buf_init(&writer.piece, PIECE_MAX);
	buf_add_string(&writer.piece, "\r\n");
	add_boundary(&writer, "--");
	flush(&writer, 0);
	buf_free(&writer.piece);
	return writer.ok;
}
