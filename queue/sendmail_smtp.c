/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "common/address.h"
#include "common/dot.h"
#include "common/io.h"
#include "common/limits.h"
#include "common/line.h"

#include "queue/sendmail.h"

enum {
	ARENA_CEILING = 16 << 20,
	READ_PIECE = 16384
};

/* sendmail -bs: the caller is a program of this host, so there is no AUTH,
 * no TLS, and recipients are looked at when the file is picked up. */
struct dialogue {
	const struct settings *settings;
	int output_fd;
	struct arena *arena;
	struct line_reader reader;
	struct dot_decoder decoder;
	struct buf decoded;
	bool is_in_data, is_over;
	bool has_sender;
	struct slice sender;
	struct address_set recipients;
	bool is_8bit;
	struct drop_writer *writer;
	uint64_t size;
	struct why failure; /* of the message; text "" none */
};

typedef void verb_fn(struct dialogue *d, struct slice argument);

__attribute__((format(printf, 2, 3))) static void
say(struct dialogue *d, const char *format, ...)
{
	char line[LIMIT_SMTP_REPLY_LINE];
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(line, sizeof(line) - 2, format, arguments);
	va_end(arguments);
	if (n < 0)
		n = 0;
	if ((size_t)n > sizeof(line) - 3)
		n = (int)sizeof(line) - 3;
	memcpy(line + n, "\r\n", 2);
	if (io_write_all(d->output_fd, slice_make(line, (size_t)n + 2),
		io_deadline(TIMEOUT_SMTP_COMMAND)) != IO_OK)
		d->is_over = true;
}

static void
forget(struct dialogue *d)
{
	if (d->writer != NULL)
		drop_writer_close(&d->writer);
	arena_reset(d->arena);
	memset(&d->recipients, 0, sizeof(d->recipients));
	memset(&d->failure, 0, sizeof(d->failure));
	d->recipients.arena = d->arena;
	d->has_sender = false;
	d->is_8bit = false;
	d->is_in_data = false;
	d->size = 0;
}

static void
on_hello(struct dialogue *d, struct slice argument)
{
	(void)argument;
	forget(d);
	say(d, "250 %s", d->settings->hostname);
}

static void
on_ehlo(struct dialogue *d, struct slice argument)
{
	(void)argument;
	forget(d);
	say(d,
	    "250-%s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n"
	    "250-ENHANCEDSTATUSCODES\r\n250 8BITMIME",
	    d->settings->hostname,
	    (unsigned long long)d->settings->message_size_limit);
}

/* The path behind "FROM:" or "TO:". */
static bool
take_path(struct dialogue *d, struct slice argument, struct slice word,
    struct address *address)
{
	const struct address_syntax syntax = { .may_be_local = true,
		.may_be_null = slice_eq(word, S("FROM:")) };
	struct why why = { 0 };
	struct slice rest;

	if (!slice_starts_nocase(argument, word)) {
		say(d, "501 5.5.4 Expected %.*s<address>", SLICE_FMT(word));
		return false;
	}
	rest = slice_from(argument, word.len);
	if (!address_parse_path(&rest, syntax, d->arena, address, &why)) {
		say(d, "501 %s %s",
		    why.status[0] == '\0' ? "5.1.3" : why.status, why.text);
		return false;
	}
	if (slice_find_nocase(rest, S("8BITMIME")) < rest.len)
		d->is_8bit = true;
	return true;
}

static bool
format_address(
    struct dialogue *d, const struct address *address, struct slice *out)
{
	struct buf buf;
	bool ok = true;

	*out = slice_of("");
	if (address_is_null(address))
		return true;
	buf_init(&buf, 4 * LIMIT_SMTP_PATH);
	ok = address->domain.len > 0 ? address_format(&buf, address)
				     : buf_add(&buf, address->local);
	*out = arena_slice(d->arena, buf_slice(&buf));
	buf_free(&buf);
	return ok && out->ptr != NULL;
}

static void
on_mail(struct dialogue *d, struct slice argument)
{
	struct address address;

	if (d->has_sender) {
		say(d, "503 5.5.1 Sender was given already");
		return;
	}
	if (!take_path(d, argument, S("FROM:"), &address))
		return;
	d->has_sender = format_address(d, &address, &d->sender);
	say(d, d->has_sender ? "250 2.1.0 Ok" : "501 5.1.7 Bad address");
}

static void
on_rcpt(struct dialogue *d, struct slice argument)
{
	struct address address;
	struct slice text;

	if (!d->has_sender) {
		say(d, "503 5.5.1 MAIL first");
		return;
	}
	if (!take_path(d, argument, S("TO:"), &address))
		return;
	if (!format_address(d, &address, &text) ||
	    !address_set_add(&d->recipients, text)) {
		say(d, d->recipients.is_full ? "452 4.5.3 Too many recipients"
					     : "501 5.1.3 Bad address");
		return;
	}
	say(d, "250 2.1.5 Ok");
}

static void
on_data(struct dialogue *d, struct slice argument)
{
	struct drop drop = { .sender = d->sender,
		.recipient_count = d->recipients.count,
		.recipients = d->recipients.items,
		.is_8bit = d->is_8bit };
	struct why why = { 0 };
	struct buf envelope;
	bool ok;

	(void)argument;
	if (d->recipients.count == 0) {
		say(d, "503 5.5.1 MAIL and RCPT first");
		return;
	}
	buf_init(&envelope, DROP_ENVELOPE_MAX);
	d->writer = drop_writer_open(d->settings, &why);
	ok = d->writer != NULL && drop_format(&drop, &envelope) &&
	     drop_writer_write(d->writer, buf_slice(&envelope), &why);
	buf_free(&envelope);
	if (!ok) {
		say(d, "451 4.3.0 Cannot spool: %s", why.text);
		forget(d);
		return;
	}
	dot_decode_init(&d->decoder, LIMIT_SMTP_DATA_LINE);
	d->is_in_data = true;
	say(d, "354 End with a line with only a dot");
}

static void
on_reset(struct dialogue *d, struct slice argument)
{
	(void)argument;
	forget(d);
	say(d, "250 2.0.0 Ok");
}

static void
on_noop(struct dialogue *d, struct slice argument)
{
	(void)argument;
	say(d, "250 2.0.0 Ok");
}

static void
on_verify(struct dialogue *d, struct slice argument)
{
	(void)argument;
	say(d, "252 2.0.0 Send it and see");
}

static void
on_quit(struct dialogue *d, struct slice argument)
{
	(void)argument;
	say(d, "221 2.0.0 Bye");
	d->is_over = true;
}

static const struct {
	struct slice verb;
	verb_fn *run;
} verbs[] = {
	{ SLICE("HELO"), on_hello },
	{ SLICE("EHLO"), on_ehlo },
	{ SLICE("MAIL"), on_mail },
	{ SLICE("RCPT"), on_rcpt },
	{ SLICE("DATA"), on_data },
	{ SLICE("RSET"), on_reset },
	{ SLICE("NOOP"), on_noop },
	{ SLICE("VRFY"), on_verify },
	{ SLICE("QUIT"), on_quit },
};

static void
run_command(struct dialogue *d, struct slice line)
{
	struct slice verb, argument;

	slice_cut(line, ' ', &verb, &argument);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (slice_eq_nocase(verb, verbs[i].verb)) {
			verbs[i].run(d, slice_trim(argument));
			return;
		}
	say(d, "500 5.5.2 Unknown command");
}

static void
end_data(struct dialogue *d)
{
	uint64_t limit = d->settings->message_size_limit;

	if (d->decoder.problems & ~(unsigned int)DOT_LONG_LINE)
		say(d, "554 5.6.0 Bare CR or LF or a NUL in the message");
	else if (limit > 0 && d->size > limit)
		say(d, "552 5.3.4 Message is larger than the limit");
	else if (d->failure.text[0] != '\0' ||
		 !drop_writer_commit(d->writer, &d->failure))
		say(d, "451 4.3.0 Cannot spool: %s", d->failure.text);
	else
		say(d, "250 2.0.0 Ok: spooled as %s",
		    drop_writer_id(d->writer));
	forget(d);
}

static void
feed_data(struct dialogue *d, struct slice *input)
{
	bool is_end;

	do {
		buf_clear(&d->decoded);
		is_end = dot_decode(&d->decoder, input, &d->decoded);
		d->size += d->decoded.len;
		if (d->failure.text[0] == '\0')
			(void)drop_writer_write(
			    d->writer, buf_slice(&d->decoded), &d->failure);
	} while (!is_end && input->len > 0);
	if (is_end)
		end_data(d);
}

static void
feed(struct dialogue *d, struct slice input)
{
	enum line_status status;
	struct slice line;

	while (!d->is_over) {
		if (d->is_in_data) {
			if (input.len == 0)
				return;
			feed_data(d, &input);
			continue;
		}
		status = line_next(&d->reader, &input, &line);
		if (status == LINE_MORE)
			return;
		if (status == LINE_TOO_LONG)
			say(d, "500 5.5.2 Line too long");
		else
			run_command(d, line);
	}
}

int
sendmail_smtp(const struct settings *settings, int input_fd, int output_fd)
{
	struct dialogue d = { .settings = settings, .output_fd = output_fd };
	char bytes[READ_PIECE / 2];
	size_t got;

	d.arena = arena_new("sendmail -bs", ARENA_CEILING);
	line_init(&d.reader, LIMIT_SMTP_COMMAND);
	buf_init(&d.decoded, 2 * READ_PIECE);
	forget(&d);
	say(&d, "220 %s ESMTP Merpati", settings->hostname);
	while (!d.is_over && io_read_some(input_fd, bytes, sizeof(bytes), &got,
				 io_deadline(TIMEOUT_SMTP_COMMAND)) == IO_OK)
		feed(&d, slice_make(bytes, got));
	forget(&d);
	line_free(&d.reader);
	buf_free(&d.decoded);
	arena_free(&d.arena);
	return EX_OK;
}
