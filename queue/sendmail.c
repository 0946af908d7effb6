/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/sendmail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/header.h"
#include "common/limits.h"
#include "common/resolve.h"

#include "queue/enqueue_header.h"

enum {
	READ_PIECE = 8192,
	ARENA_CEILING = 64 << 20
};

struct submission {
	const struct settings *settings;
	const struct sendmail_options *options;
	struct arena *arena;
	struct address_set recipients;
	struct slice sender;
	struct text_filter filter;
	struct buf text; /* filtered, not yet written */
	struct header_scan scan;
	struct drop_writer *writer;
	uint64_t size;
	struct why *why;
};

/* Next filtered bytes at the end of text. False: input error. */
static bool
read_more(struct submission *s, int fd, bool *is_end)
{
	char bytes[READ_PIECE];
	ssize_t n;

	do
		n = read(fd, bytes, sizeof(bytes));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return why_errno(s->why, "reading the message");
	*is_end = n == 0;
	if (n == 0)
		return text_filter_end(&s->filter, &s->text);
	if (!text_filter_feed(
		&s->filter, slice_make(bytes, (size_t)n), &s->text))
		return why_set(s->why,
		    "message header is larger than %d "
		    "bytes",
		    LIMIT_HEADER);
	*is_end = s->filter.is_at_end;
	return true;
}

/* mbox files begin with "From "; so do messages that were cut out of one. */
static void
drop_from_line(struct submission *s)
{
	struct slice text = buf_slice(&s->text);

	if (slice_starts(text, S("From ")))
		buf_consume(&s->text, slice_index(text, '\n') + 1);
}

/* Read until the whole header section is in text. */
static bool
read_header(struct submission *s, int fd, bool *is_end)
{
	bool is_first = true;

	*is_end = false;
	do {
		if (!read_more(s, fd, is_end))
			return false;
		if (is_first &&
		    slice_index(buf_slice(&s->text), '\n') < s->text.len) {
			drop_from_line(s);
			is_first = false;
		}
		if (!is_first)
			(void)header_scan_feed(
			    &s->scan, buf_slice(&s->text), false);
	} while (!s->scan.is_done && !*is_end);
	if (!s->scan.is_done)
		(void)header_scan_feed(&s->scan, buf_slice(&s->text), true);
	return true;
}

struct recipient_field {
	struct slice name;
	bool is_resent;
};

static const struct recipient_field recipient_fields[] = {
	{ SLICE("to"), false },
	{ SLICE("cc"), false },
	{ SLICE("bcc"), false },
	{ SLICE("resent-to"), true },
	{ SLICE("resent-cc"), true },
	{ SLICE("resent-bcc"), true },
};

enum {
	RECIPIENT_FIELDS =
	    sizeof(recipient_fields) / sizeof(recipient_fields[0])
};

static const struct recipient_field *
find_recipient_field(struct slice name)
{
	for (size_t i = 0; i < RECIPIENT_FIELDS; i++)
		if (slice_eq_nocase(name, recipient_fields[i].name))
			return &recipient_fields[i];
	return NULL;
}

static struct slice
header_of(const struct submission *s)
{
	return slice_first(buf_slice(&s->text), s->scan.length);
}

/* RFC 5322 3.6.6: a resent message goes to the resent fields alone. */
static void
take_header_recipients(struct submission *s)
{
	const struct recipient_field *row;
	struct header_iterator iterator;
	struct header_field field;
	bool is_resent = false;

	header_begin(&iterator, header_of(s));
	while (header_next(&iterator, &field)) {
		row = find_recipient_field(field.name);
		is_resent |= row != NULL && row->is_resent;
	}
	header_begin(&iterator, header_of(s));
	while (header_next(&iterator, &field)) {
		row = find_recipient_field(field.name);
		if (row != NULL && row->is_resent == is_resent)
			(void)address_set_add(&s->recipients, field.body);
	}
}

static bool
write_from(struct submission *s)
{
	const char *name = s->options->full_name != NULL ? s->options->full_name
							 : getenv("NAME");
	struct header_field field;
	struct buf line;
	bool ok;

	if (name == NULL || name[0] == '\0' || s->sender.len == 0 ||
	    header_find(header_of(s), S("from"), &field))
		return true;
	buf_init(&line, 2048);
	buf_add_string(&line, "From: \"");
	for (; *name != '\0'; name++)
		if (ascii_is_print(*name) && *name != '"' && *name != '\\')
			buf_add_char(&line, *name);
	buf_add_format(&line, "\" <%.*s>\r\n", SLICE_FMT(s->sender));
	ok = !line.failed
		 ? drop_writer_write(s->writer, buf_slice(&line), s->why)
		 : why_set(s->why, "full name too long");
	buf_free(&line);
	return ok;
}

/* The header; with -t without Bcc. */
static bool
write_header(struct submission *s)
{
	struct header_iterator iterator;
	struct header_field field;

	if (!write_from(s))
		return false;
	header_begin(&iterator, header_of(s));
	while (header_next(&iterator, &field)) {
		if (s->options->has_header_recipients &&
		    (slice_eq_nocase(field.name, S("bcc")) ||
			slice_eq_nocase(field.name, S("resent-bcc"))))
			continue;
		if (!drop_writer_write(s->writer, field.raw, s->why))
			return false;
	}
	return drop_writer_write(s->writer, S("\r\n"), s->why);
}

static bool
write_envelope(struct submission *s)
{
	struct drop drop = { .sender = s->sender,
		.recipient_count = s->recipients.count,
		.recipients = s->recipients.items,
		.is_8bit = s->options->is_8bit };
	struct buf envelope;
	bool ok;

	buf_init(&envelope, DROP_ENVELOPE_MAX);
	ok = drop_format(&drop, &envelope) ||
	     why_set(s->why, "too many or malformed addresses");
	ok = ok && drop_writer_write(s->writer, buf_slice(&envelope), s->why);
	buf_free(&envelope);
	return ok;
}

static int
copy_body(struct submission *s, int fd, bool is_end)
{
	uint64_t limit = s->settings->message_size_limit;
	struct slice rest = slice_from(buf_slice(&s->text), s->scan.length);

	for (;;) {
		s->size += rest.len;
		if (limit > 0 && s->size > limit) {
			why_set(s->why,
			    "message is larger than %llu bytes, "
			    "the limit here",
			    (unsigned long long)limit);
			return EX_DATAERR;
		}
		if (!drop_writer_write(s->writer, rest, s->why))
			return sendmail_exit_code(s->why);
		if (is_end)
			return EX_OK;
		buf_clear(&s->text);
		if (!read_more(s, fd, &is_end))
			return EX_IOERR;
		rest = buf_slice(&s->text);
	}
}

/* Recipients are known and the header is in text. */
static int
write_file(struct submission *s, int fd, bool is_end)
{
	int status;

	s->writer = drop_writer_open(s->settings, s->why);
	if (s->writer == NULL)
		return sendmail_exit_code(s->why);
	if (!write_envelope(s))
		status = s->why->error == 0 ? EX_DATAERR
					    : sendmail_exit_code(s->why);
	else if (!write_header(s))
		status = sendmail_exit_code(s->why);
	else
		status = copy_body(s, fd, is_end);
	if (status == EX_OK && !drop_writer_commit(s->writer, s->why))
		status = sendmail_exit_code(s->why);
	if (status == EX_OK && s->options->is_verbose)
		fprintf(stderr,
		    "%s: %zu recipients, %llu bytes of text "
		    "spooled\n",
		    drop_writer_id(s->writer), s->recipients.count,
		    (unsigned long long)s->size);
	drop_writer_close(&s->writer);
	return status;
}

static bool
set_addresses(struct submission *s)
{
	const struct sendmail_options *options = s->options;
	const char *operand;

	if (options->has_sender
		? !sendmail_sender(s->settings, slice_of(options->sender),
		      s->arena, &s->sender)
		: !sendmail_own_address(s->settings, s->arena, &s->sender))
		return why_set(s->why, "%s: not an address",
		    options->has_sender ? options->sender : "own user name");
	for (int i = 0; i < options->operand_count; i++) {
		operand = options->operands[i];
		if (!address_set_add(&s->recipients, slice_of(operand)))
			return why_set(s->why, "%s: not an address", operand);
	}
	return true;
}

static int
submit(struct submission *s, int fd)
{
	bool is_end;

	if (s->options->operand_count == 0 &&
	    !s->options->has_header_recipients) {
		why_set(s->why, "no recipients: name them after the options, "
				"or use -t to take them from the header");
		return EX_USAGE;
	}
	if (!set_addresses(s))
		return EX_DATAERR;
	if (!read_header(s, fd, &is_end))
		return s->why->error != 0 ? EX_IOERR : EX_DATAERR;
	if (s->options->has_header_recipients)
		take_header_recipients(s);
	if (s->recipients.is_full || s->recipients.count == 0) {
		why_set(s->why,
		    s->recipients.is_full ? "more than %d recipients"
					  : "no recipients in To:, Cc: or Bcc:",
		    LIMIT_SMTP_RECIPIENTS);
		return EX_DATAERR;
	}
	return write_file(s, fd, is_end);
}

int
sendmail_submit(const struct settings *settings,
    const struct sendmail_options *options, int input_fd, struct why *why)
{
	struct submission s = {
		.settings = settings, .options = options, .why = why
	};
	int status;

	s.arena = arena_new("sendmail", ARENA_CEILING);
	s.recipients.arena = s.arena;
	buf_init(&s.text, LIMIT_HEADER + TEXT_LINE_MAX + 4 * READ_PIECE);
	text_filter_init(&s.filter, options->ignores_dots);
	status = submit(&s, input_fd);
	text_filter_free(&s.filter);
	buf_free(&s.text);
	arena_free(&s.arena);
	return status;
}

static void
print_resolution(const char *operand, const struct resolution *resolution)
{
	static const struct {
		enum target_kind kind;
		const char *name;
	} kinds[] = { { TARGET_MAILBOX, "mailbox" },
		{ TARGET_REMOTE, "remote" }, { TARGET_PROGRAM, "program" },
		{ TARGET_FILE, "file" } };
	const struct target *target;

	for (size_t i = 0; i < resolution->note_count; i++)
		printf("%s: %.*s\n", operand, SLICE_FMT(resolution->notes[i]));
	for (size_t i = 0; i < resolution->count; i++) {
		target = &resolution->targets[i];
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			if (kinds[k].kind == target->kind)
				printf("%s: %s %.*s %.*s%s\n", operand,
				    kinds[k].name, SLICE_FMT(target->address),
				    SLICE_FMT(target->argument),
				    target->user.mail);
	}
}

static int
verify_one(struct resolver *resolver, const char *operand, struct arena *arena)
{
	struct resolution resolution;
	struct address address;
	struct why why = { 0 };
	enum result result;

	if (!address_parse(slice_of(operand), arena, &address)) {
		printf("%s: not an address\n", operand);
		return EX_DATAERR;
	}
	result = resolver_resolve(resolver, &address, arena, &resolution, &why);
	if (result != RESULT_OK) {
		printf("%s: %s\n", operand, why.text);
		return result == RESULT_NEVER ? EX_NOUSER : EX_TEMPFAIL;
	}
	print_resolution(operand, &resolution);
	return EX_OK;
}

int
sendmail_verify(const struct settings *settings,
    const struct sendmail_options *options, struct why *why)
{
	struct arena *arena = arena_new("verify", ARENA_CEILING);
	struct resolver *resolver = resolver_new(settings);
	int status = EX_OK, one;

	if (options->operand_count == 0) {
		why_set(why, "-bv needs addresses");
		status = EX_USAGE;
	}
	for (int i = 0; i < options->operand_count; i++) {
		one = verify_one(resolver, options->operands[i], arena);
		status = one != EX_OK ? one : status;
	}
	resolver_free(&resolver);
	arena_free(&arena);
	return status;
}

static bool
flush_command(const struct sendmail_options *options, char *line, size_t size,
    struct why *why)
{
	const char *text = options->flush_text;
	const char *domain = strrchr(text, '@');

	switch (options->flush_kind) {
	case 'I':
		snprintf(line, size, "retry %s\n", text);
		break;
	case 'R':
		snprintf(line, size, "retry domain=%s\n",
		    domain == NULL ? text : domain + 1);
		break;
	case 'S':
		return why_set(why, "-qS: the queue is not kept by sender; "
				    "use -q, -qI ID or -qR DOMAIN");
	default:
		if (text[0] != '\0')
			fprintf(stderr,
			    "sendmail: -q%s: no interval is kept "
			    "here, trying everything once now\n",
			    text);
		snprintf(line, size, "retry all\n");
		break;
	}
	return strchr(line, '\n') == line + strlen(line) - 1 ||
	       why_set(why, "-q%c: bad text", options->flush_kind);
}

int
sendmail_flush(const struct settings *settings,
    const struct sendmail_options *options, struct why *why)
{
	char path[4096], line[512];
	bool ok;
	int fd;

	if (!flush_command(options, line, sizeof(line), why))
		return EX_USAGE;
	snprintf(path, sizeof(path), "%s/control", settings->queue_directory);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENXIO) {
		why_set(why, "qmgr does not run");
		return EX_UNAVAILABLE;
	}
	if (fd < 0) {
		why_errno(why, "%s", path);
		return errno == EACCES ? EX_NOPERM : EX_UNAVAILABLE;
	}
	ok = write(fd, line, strlen(line)) == (ssize_t)strlen(line) ||
	     why_errno(why, "%s", path);
	close(fd);
	return ok ? EX_OK : EX_TEMPFAIL;
}
