/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/bounce.h"

#include <string.h>
#include <time.h>

#include "common/date.h"
#include "common/header.h"

/* RFC 3464: what the two kinds differ in. */
struct kind_words {
	const char *subject;
	const char *action;
	const char *text;
};

static const struct kind_words words[] = {
	[BOUNCE_FAILED] = { "Undelivered Mail Returned to Sender", "failed",
	    "Your message could not be delivered to one or more "
	    "recipients.\r\nIt is attached below, and nothing more will be "
	    "tried for them.\r\n" },
	[BOUNCE_DELAYED] = { "Delayed Mail (still being retried)", "delayed",
	    "Your message could not be delivered yet to one or more "
	    "recipients.\r\nIt is still being tried; you do not need to send "
	    "it again.\r\n" },
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
	/* Odd or even by kind, and never 0: it is another id. */
	unsigned int step = (attempts % 511) * 2 + 1 + (kind == BOUNCE_DELAYED);

	value = (value + step) % 1024;
	memcpy(derived, id, SPOOL_ID_LENGTH + 1);
	derived[SPOOL_ID_LENGTH - 2] = letters[value / 32];
	derived[SPOOL_ID_LENGTH - 1] = letters[value % 32];
}

static void
add_header(struct buf *out, const struct bounce *bounce)
{
	char date[DATE_TEXT_SIZE];

	buf_add_format(out,
	    "From: MAILER-DAEMON@%s (Mail Delivery System)\r\n"
	    "To: %.*s\r\n"
	    "Subject: %s\r\n"
	    "Date: %s\r\n"
	    "Message-ID: <%s@%s>\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; "
	    "report-type=delivery-status;\r\n"
	    "\tboundary=\"%s/%s\"\r\n",
	    bounce->hostname, SLICE_FMT(bounce->to),
	    words[bounce->kind].subject,
	    date_format_rfc5322((time_t)bounce->now, date), bounce->id,
	    bounce->hostname, bounce->id, bounce->hostname);
	if (bounce->is_8bit)
		buf_add_string(out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_add_string(out, "\r\nThis is a MIME-encapsulated message.\r\n\r\n");
}

static void
add_boundary(struct buf *out, const struct bounce *bounce, const char *end)
{
	buf_add_format(out, "--%s/%s%s\r\n", bounce->id, bounce->hostname, end);
}

static void
add_text(struct buf *out, const struct bounce *bounce)
{
	const struct bounce_recipient *recipient;
	char date[DATE_TEXT_SIZE];

	add_boundary(out, bounce, "");
	buf_add_format(out,
	    "Content-Description: Notification\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
	    "This is the mail system at host %s.\r\n\r\n%s",
	    bounce->hostname, words[bounce->kind].text);
	if (bounce->kind == BOUNCE_DELAYED)
		buf_add_format(out, "It will be tried until %s.\r\n",
		    date_format_rfc5322((time_t)bounce->retry_until, date));
	buf_add_format(out,
	    "\r\nThe queue id was %s; the administrator here can find the "
	    "message\r\nin the log by it.\r\n",
	    bounce->original_id);
	for (size_t i = 0; i < bounce->recipient_count; i++) {
		recipient = &bounce->recipients[i];
		buf_add_string(out, "\r\n<");
		buf_add_printable(out, recipient->address);
		buf_add_string(out, ">: ");
		buf_add_printable(out, recipient->reason.text);
		buf_add_string(out, "\r\n");
	}
	buf_add_string(out, "\r\n");
}

/* "mx.example[192.0.2.1]:25" is "mx.example" in Remote-MTA. */
static void
add_remote(struct buf *out, const struct reason *reason)
{
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
	buf_add_printable(out, reason->text);
	buf_add_string(out, "\r\n");
}

/* RFC 3464 section 2.3: one group of fields per recipient. */
static void
add_recipient(struct buf *out, const struct bounce *bounce,
    const struct bounce_recipient *recipient)
{
	char date[DATE_TEXT_SIZE];

	buf_add_string(out, "\r\nFinal-Recipient: rfc822; ");
	buf_add_printable(out, recipient->address);
	if (recipient->original.len > 0 &&
	    !slice_eq(recipient->original, recipient->address)) {
		buf_add_string(out, "\r\nOriginal-Recipient: rfc822; ");
		buf_add_printable(out, recipient->original);
	}
	buf_add_format(out, "\r\nAction: %s\r\nStatus: %.*s\r\n",
	    words[bounce->kind].action, SLICE_FMT(recipient->reason.code));
	add_remote(out, &recipient->reason);
	if (bounce->kind == BOUNCE_DELAYED)
		buf_add_format(out, "Will-Retry-Until: %s\r\n",
		    date_format_rfc5322((time_t)bounce->retry_until, date));
}

static void
add_status(struct buf *out, const struct bounce *bounce)
{
	char date[DATE_TEXT_SIZE];

	add_boundary(out, bounce, "");
	buf_add_format(out,
	    "Content-Description: Delivery report\r\n"
	    "Content-Type: message/delivery-status\r\n\r\n"
	    "Reporting-MTA: dns; %s\r\n"
	    "X-Merpati-Queue-ID: %s\r\n"
	    "X-Merpati-Sender: rfc822; ",
	    bounce->hostname, bounce->original_id);
	buf_add_printable(out, bounce->sender);
	buf_add_format(out, "\r\nArrival-Date: %s\r\n",
	    date_format_rfc5322((time_t)bounce->arrived, date));
	for (size_t i = 0; i < bounce->recipient_count; i++)
		add_recipient(out, bounce, &bounce->recipients[i]);
	buf_add_string(out, "\r\n");
}

static struct slice
header_of(struct slice message)
{
	struct header_iterator iterator;
	struct header_field field;

	header_begin(&iterator, message);
	while (header_next(&iterator, &field))
		continue;
	return slice_first(message, iterator.body_offset);
}

static void
add_original(struct buf *out, const struct bounce *bounce)
{
	bool is_whole = !bounce->is_cut && bounce->kind == BOUNCE_FAILED;

	add_boundary(out, bounce, "");
	buf_add_format(out, "Content-Description: %s\r\nContent-Type: %s\r\n",
	    is_whole ? "Undelivered Message" : "Message Headers",
	    is_whole ? "message/rfc822" : "text/rfc822-headers");
	if (bounce->is_8bit)
		buf_add_string(out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_add_string(out, "\r\n");
	buf_add(out, is_whole ? bounce->message : header_of(bounce->message));
	if (!slice_ends(buf_slice(out), S("\r\n")))
		buf_add_string(out, "\r\n");
	buf_add_string(out, "\r\n");
	add_boundary(out, bounce, "--");
}

bool
bounce_format(struct buf *out, const struct bounce *bounce)
{
	add_header(out, bounce);
	add_text(out, bounce);
	add_status(out, bounce);
	add_original(out, bounce);
	return !out->failed;
}
