/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/bounce.h"

#include <string.h>
#include <time.h>

#include "common/date.h"
#include "common/mime/text.h"
#include "common/utf8.h"

#define PIECE_MIN 32768
#define PIECE_MAX (4 * PIECE_MIN)

static const char *const original_names[BOUNCE_KINDS] = {
	[BOUNCE_FAILED] = "Undelivered Message",
	[BOUNCE_DELAYED] = "Delayed Message",
	[BOUNCE_SUCCESS] = "Delivered Message",
	[BOUNCE_EXPANDED] = "Delivered Message",
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
add_date(struct buf *out, int64_t when)
{
	char date[DATE_TEXT_SIZE];

	buf_add_string(out, date_format_rfc5322((time_t)when, date));
}

static void
add_time(struct buf *out, const char *name, int64_t when)
{
	buf_add_string(out, name);
	add_date(out, when);
	buf_add_string(out, "\r\n");
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
	    "Subject: ",
	    bounce->hostname, SLICE_FMT(bounce->to));
	encoded_word_encode(bounce->text->subject, out);
	buf_add_string(out, "\r\n");
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
	if (bounce_is_8bit(bounce))
		buf_add_string(out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_add_string(out, "\r\nThis is a MIME-encapsulated message.\r\n\r\n");
}

static void
add_content(struct writer *writer, const char *type, bool is_8bit)
{
	buf_add_format(&writer->piece, "Content-Type: %s\r\n", type);
	if (is_8bit)
		buf_add_string(
		    &writer->piece, "Content-Transfer-Encoding: 8bit\r\n");
	buf_add_string(&writer->piece, "\r\n");
}

static void
add_part(struct writer *writer, const char *description, const char *type,
    bool is_8bit)
{
	add_boundary(writer, "");
	buf_add_format(
	    &writer->piece, "Content-Description: %s\r\n", description);
	add_content(writer, type, is_8bit);
}

static void
add_people_recipients(struct writer *writer)
{
	const struct bounce *bounce = writer->bounce;
	const struct bounce_recipient *recipient;
	struct buf *out = &writer->piece;

	for (size_t i = 0; i < bounce->recipient_count; i++) {
		recipient = &bounce->recipients[i];
		buf_add_string(out, i == 0 ? "<" : "\r\n\r\n<");
		add_text(writer, recipient->address);
		buf_add_string(out, ">: ");
		add_text(writer, recipient->reason.text);
		if (recipient->reason.meaning.len > 0) {
			buf_add_format(out,
			    "\r\n    %.*s: ", SLICE_FMT(bounce->text->means));
			add_text(writer, recipient->reason.meaning);
		}
		flush(writer, PIECE_MIN);
	}
}

static void
add_place(struct writer *writer, enum bounce_place place)
{
	const struct bounce *bounce = writer->bounce;
	struct buf *out = &writer->piece;

	switch (place) {
	case BOUNCE_PLACE_DOLLAR:
		buf_add_char(out, '$');
		break;
	case BOUNCE_PLACE_HOSTNAME:
		buf_add_string(out, bounce->hostname);
		break;
	case BOUNCE_PLACE_QUEUE_ID:
		buf_add_string(out, bounce->original_id);
		break;
	case BOUNCE_PLACE_ARRIVED:
		add_date(out, bounce->arrived);
		break;
	case BOUNCE_PLACE_RETRY_UNTIL:
		add_date(out, bounce->retry_until);
		break;
	case BOUNCE_PLACE_RECIPIENTS:
		add_people_recipients(writer);
		break;
	case BOUNCE_PLACES:
		break;
	}
}

static bool
has_8bit_text(const struct bounce *bounce)
{
	return bounce->is_global || !slice_is_ascii(bounce->text->body) ||
	       !slice_is_ascii(bounce->text->means);
}

bool
bounce_is_8bit(const struct bounce *bounce)
{
	return bounce->is_8bit || has_8bit_text(bounce);
}

static void
add_people_text(struct writer *writer)
{
	const struct bounce_text *text = writer->bounce->text;
	bool is_8bit = has_8bit_text(writer->bounce);
	struct slice rest = text->body, literal;
	struct buf *out = &writer->piece;
	enum bounce_place place;

	add_boundary(writer, "");
	buf_add_format(out,
	    "Content-Description: Notification\r\n"
	    "Content-Language: %.*s\r\n",
	    SLICE_FMT(text->language));
	add_content(writer,
	    is_8bit ? "text/plain; charset=utf-8"
		    : "text/plain; charset=us-ascii",
	    is_8bit);
	do {
		bounce_text_next(&rest, &literal, &place);
		for (size_t i = 0; i < literal.len; i++) {
			if (literal.ptr[i] == '\n')
				buf_add_char(out, '\r');
			buf_add_char(out, literal.ptr[i]);
		}
		add_place(writer, place);
	} while (place != BOUNCE_PLACES);
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
		add_time(out, "Will-Retry-Until: ", recipient->retry_until);
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
	    bounce->is_whole ? original_names[bounce->kind] : "Message Headers",
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
