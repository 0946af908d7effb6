/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/front.h"
#include "common/inject.h"
#include "common/io.h"
#include "common/limits.h"
#include "common/net_connect.h"

#include "smtpd/filter.h"
#include "smtpd/milter.h"

enum {
	ADDRESSES_MAX = 4,
	OUTPUT_FLUSH = 65536,
	OUTPUT_MAX = LIMIT_HEADER + OUTPUT_FLUSH + 65536,
	INPUT_SIZE = 4096
};

enum macro_index {
	MACRO_HOST,
	MACRO_VERSION,
	MACRO_PEER,
	MACRO_ID,
	MACRO_DAEMON,
	MACRO_CLIENT_ADDRESS,
	MACRO_CLIENT_NAME,
	MACRO_CLIENT_PTR,
	MACRO_CLIENT_PORT,
	MACRO_HELO,
	MACRO_TLS,
	MACRO_CIPHER,
	MACRO_AUTH_TYPE,
	MACRO_AUTH,
	MACRO_MAIL,
	MACRO_MAIL_HOST,
	MACRO_MAIL_MAILER,
	MACRO_RCPT,
	MACRO_RCPT_HOST,
	MACRO_RCPT_MAILER,
	MACROS
};

static const struct slice macro_names[MACROS] = {
	[MACRO_HOST] = SLICE("j"),
	[MACRO_VERSION] = SLICE("v"),
	[MACRO_PEER] = SLICE("_"),
	[MACRO_ID] = SLICE("i"),
	[MACRO_DAEMON] = SLICE("{daemon_name}"),
	[MACRO_CLIENT_ADDRESS] = SLICE("{client_addr}"),
	[MACRO_CLIENT_NAME] = SLICE("{client_name}"),
	[MACRO_CLIENT_PTR] = SLICE("{client_ptr}"),
	[MACRO_CLIENT_PORT] = SLICE("{client_port}"),
	[MACRO_HELO] = SLICE("s"),
	[MACRO_TLS] = SLICE("{tls_version}"),
	[MACRO_CIPHER] = SLICE("{cipher}"),
	[MACRO_AUTH_TYPE] = SLICE("{auth_type}"),
	[MACRO_AUTH] = SLICE("{auth_authen}"),
	[MACRO_MAIL] = SLICE("{mail_addr}"),
	[MACRO_MAIL_HOST] = SLICE("{mail_host}"),
	[MACRO_MAIL_MAILER] = SLICE("{mail_mailer}"),
	[MACRO_RCPT] = SLICE("{rcpt_addr}"),
	[MACRO_RCPT_HOST] = SLICE("{rcpt_host}"),
	[MACRO_RCPT_MAILER] = SLICE("{rcpt_mailer}"),
};

struct milter_link {
	struct netaddr addresses[ADDRESSES_MAX];
	size_t address_count;
	int fd; /* -1: not connected */
	struct milter milter;
	struct milter_macro macros[MACROS + 1];
	struct netaddr peer; /* localhost where it is a local submission */
	char address[NETADDR_TEXT_SIZE], port[8];
	char client[256 + NETADDR_TEXT_SIZE], peer_text[400];
	struct verify_reply greeting; /* what it said to connect and helo */
	struct buf out;
	struct milter_said said;
};

/* "inet:HOST:PORT": names are looked up here, where that can be done. */
static bool
find_addresses(
    struct milter_link *link, struct slice host, uint16_t port, struct why *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found, *each;
	char name[LIMIT_SMTP_DOMAIN + 1];
	struct netaddr *address;
	int error;

	if (!slice_to_array(host, name, sizeof(name)))
		return why_set(why, "host name is too long");
	error = getaddrinfo(name, NULL, &hints, &found);
	if (error != 0)
		return why_set(why, "%s: %s", name, gai_strerror(error));
	for (each = found; each != NULL; each = each->ai_next) {
		if (link->address_count == ADDRESSES_MAX)
			break;
		address = &link->addresses[link->address_count];
		netaddr_from_sockaddr(address, each->ai_addr, each->ai_addrlen);
		address->port = port;
		if (address->family != 0)
			link->address_count++;
	}
	freeaddrinfo(found);
	return link->address_count > 0 || why_set(why, "%s: no address", name);
}

static bool
read_address(struct milter_link *link, struct slice text, struct why *why)
{
	size_t colon = slice_last_index(text, ':');
	struct slice host = slice_first(text, colon);
	uint64_t port = 0;

	(void)slice_u64(slice_from(text, colon + 1), 65535, &port);
	if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		host = slice_first(slice_from(host, 1), host.len - 2);
	if (!netaddr_parse(host, &link->addresses[0]))
		return find_addresses(link, host, (uint16_t)port, why);
	link->addresses[0].port = (uint16_t)port;
	link->address_count = 1;
	return true;
}

static bool
open_milter(struct filter *filter, struct why *why)
{
	struct milter_link *link = alloc_zero(1, sizeof(*link));
	struct slice address = slice_of(filter->spec->address);

	filter->state = link;
	link->fd = -1;
	buf_init(&link->out, OUTPUT_MAX);
	for (size_t i = 0; i < MACROS; i++)
		link->macros[i].name = macro_names[i];
	milter_init(&link->milter, link->macros);
	if (slice_starts(address, S("unix:")))
		return true;
	return read_address(link, slice_from(address, 5), why);
}

static void
disconnect(struct milter_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	buf_clear(&link->out);
}

static bool
flush(struct milter_link *link, int64_t deadline, struct why *why)
{
	enum io_status io = IO_ERROR;

	if (!link->out.failed)
		io = io_write_all(link->fd, buf_slice(&link->out), deadline);
	buf_clear(&link->out);
	return io == IO_OK ||
	       why_set(why, "cannot be spoken to: %s", io_status_text(io));
}

/* "<a@b>" or "a@b" as enqueue has addresses. */
static struct slice
without_brackets(struct slice path)
{
	path = slice_trim(path);
	if (path.len >= 2 && path.ptr[0] == '<' &&
	    path.ptr[path.len - 1] == '>')
		path = slice_first(slice_from(path, 1), path.len - 2);
	return path;
}

static bool
take_edit(struct filter *filter, struct why *why)
{
	struct milter_link *link = filter->state;
	struct verify_change edit = link->said.edit;
	struct filter_message *message = &filter->filters->message;
	struct buf value;
	bool ok;

	if (edit.kind > EDIT_BODY)
		edit.value = without_brackets(edit.value);
	if (edit.kind >= EDIT_BODY || edit.value.len == 0 ||
	    milter_keeps_blanks(&link->milter))
		return filter_message_edit(message, &edit, why);
	buf_init(&value, LIMIT_MILTER_PACKET + 1);
	buf_add_char(&value, ' ');
	buf_add(&value, edit.value);
	edit.value = buf_slice(&value);
	ok = filter_message_edit(message, &edit, why);
	buf_free(&value);
	return ok;
}

static void
to_reply(const struct milter_said *said, enum milter_answer answer,
    struct verify_reply *reply)
{
	if (answer == MILTER_DISCARD)
		reply->action = VERIFY_DROP;
	else if (answer == MILTER_REFUSE || answer == MILTER_CLOSE)
		verify_refuse(
		    reply, said->code, said->status, "%s", said->text);
}

/* What one thing said means. True: it was the answer, or a failure. */
static bool
take_said(struct filter *filter, enum milter_answer answer,
    struct verify_reply *reply, struct why *why, bool *ok)
{
	struct milter_link *link = filter->state;

	switch (answer) {
	case MILTER_MORE:
	case MILTER_PROGRESS:
		return false;
	case MILTER_EDIT:
		*ok = take_edit(filter, why);
		return !*ok;
	case MILTER_HOLD:
		verify_hold(reply, "%s: %s", filter_name(filter->spec),
		    link->said.text);
		return false;
	case MILTER_BAD:
		*ok = why_set(why, "%s", link->said.text);
		return true;
	case MILTER_CONTINUE:
	case MILTER_ACCEPT:
	case MILTER_NEGOTIATED:
		return true;
	case MILTER_REFUSE:
	case MILTER_DISCARD:
	case MILTER_CLOSE:
		break;
	}
	to_reply(&link->said, answer, reply);
	return true;
}

/* Send what is there, and hear the answer if one is due. */
static bool
exchange(struct filter *filter, uint32_t seconds, struct verify_reply *reply,
    struct why *why)
{
	struct milter_link *link = filter->state;
	int64_t deadline = filter_deadline(filter, seconds);
	enum milter_answer answer = MILTER_MORE;
	char bytes[INPUT_SIZE];
	struct slice input = S("");
	enum io_status io;
	size_t got;
	bool ok = true;

	if (!link->milter.is_waiting && link->out.len < OUTPUT_FLUSH)
		return true;
	if (!flush(link, deadline, why))
		return false;
	while (link->milter.is_waiting) {
		if (answer == MILTER_MORE && input.len == 0) {
			io = io_read_some(
			    link->fd, bytes, sizeof(bytes), &got, deadline);
			if (io != IO_OK)
				return why_set(
				    why, "no answer: %s", io_status_text(io));
			input = slice_make(bytes, got);
		}
		answer = milter_answer(&link->milter, &input, &link->said);
		if (answer == MILTER_PROGRESS)
			deadline = filter_deadline(filter, seconds);
		if (take_said(filter, answer, reply, why, &ok))
			break;
	}
	return ok;
}

static bool
is_over(const struct milter_link *link, const struct verify_reply *reply)
{
	return link->milter.is_over || link->milter.is_message_over ||
	       (reply->action != VERIFY_PASS && reply->action != VERIFY_HOLD);
}

static void
set_macro(struct milter_link *link, enum macro_index index, struct slice value)
{
	link->macros[index].value = value;
}

/* Local submissions are shown as a connection from localhost. */
static void
set_session_macros(struct filter *filter)
{
	struct milter_link *link = filter->state;
	const struct filters *f = filter->filters;
	const struct inject_facts *facts = &f->verify->facts;
	bool is_local = facts->listener == INJECT_LOCAL;
	const char *name = f->verify->client;

	link->peer = facts->peer;
	if (is_local) {
		(void)netaddr_parse(S("127.0.0.1"), &link->peer);
		name = "localhost";
	}
	netaddr_format(&link->peer, link->address);
	snprintf(link->port, sizeof(link->port), "%u",
	    (unsigned int)link->peer.port);
	if (name[0] == '\0' || strcmp(name, "unknown") == 0)
		snprintf(
		    link->client, sizeof(link->client), "[%s]", link->address);
	else
		snprintf(link->client, sizeof(link->client), "%s", name);
	snprintf(link->peer_text, sizeof(link->peer_text), "%s [%s]",
	    link->client, link->address);
	set_macro(link, MACRO_HOST, slice_of(f->settings->hostname));
	set_macro(link, MACRO_VERSION, S(PACKAGE_NAME " " PACKAGE_VERSION));
	set_macro(link, MACRO_PEER, slice_of(link->peer_text));
	set_macro(link, MACRO_DAEMON, slice_of(filter_listener(f)));
	set_macro(link, MACRO_CLIENT_ADDRESS, slice_of(link->address));
	set_macro(link, MACRO_CLIENT_NAME, slice_of(link->client));
	set_macro(link, MACRO_CLIENT_PTR, slice_of(link->client));
	set_macro(link, MACRO_CLIENT_PORT, slice_of(link->port));
	if (facts->is_tls != 0) {
		set_macro(link, MACRO_TLS, slice_of(facts->tls_version));
		set_macro(link, MACRO_CIPHER, slice_of(facts->tls_cipher));
	}
}

static struct slice
domain_of(struct slice address)
{
	return slice_from(address, slice_last_index(address, '@') + 1);
}

static void
set_mail_macros(struct filter *filter)
{
	struct milter_link *link = filter->state;
	const struct filters *f = filter->filters;
	struct slice login = f->verify->login, sender = f->verify->sender;

	set_macro(link, MACRO_ID, slice_of(f->id));
	set_macro(link, MACRO_AUTH, login);
	set_macro(link, MACRO_AUTH_TYPE, login.len > 0 ? S("SASL") : S(""));
	set_macro(link, MACRO_MAIL, sender);
	set_macro(link, MACRO_MAIL_HOST, domain_of(sender));
	set_macro(link, MACRO_MAIL_MAILER, S("smtp"));
}

static int
connect_any(struct filter *filter, int64_t deadline)
{
	struct milter_link *link = filter->state;
	struct slice address = slice_of(filter->spec->address);
	int fd = -1;

	if (slice_starts(address, S("unix:")))
		return net_connect_unix(slice_from(address, 5), deadline);
	for (size_t i = 0; i < link->address_count && fd < 0; i++)
		fd = net_connect(&link->addresses[i], SOCK_STREAM, deadline);
	return fd;
}

static bool
negotiate(struct filter *filter, uint32_t version, struct why *why)
{
	struct milter_link *link = filter->state;
	struct verify_reply none = { .action = VERIFY_PASS };

	disconnect(link);
	link->fd =
	    connect_any(filter, filter_deadline(filter, filter->spec->connect));
	if (link->fd < 0)
		return why_errno(why, "connect");
	milter_clear(&link->milter);
	milter_init(&link->milter, link->macros);
	milter_negotiate(&link->milter, version, &link->out);
	return exchange(filter, filter->spec->command, &none, why) ||
	       why_context(why, "negotiation");
}

/* Old filters hang up on a version that they do not know. */
static bool
greet(struct filter *filter, struct why *why)
{
	struct milter_link *link = filter->state;
	const struct filters *f = filter->filters;
	uint32_t seconds = filter->spec->command;
	struct slice helo = f->verify->helo;

	if (link->fd >= 0)
		return true;
	memset(&link->greeting, 0, sizeof(link->greeting));
	set_session_macros(filter);
	if (!negotiate(filter, 6, why) &&
	    (link->fd < 0 || !negotiate(filter, 2, why)))
		return false;
	if (f->verify->facts.listener == INJECT_LOCAL)
		helo = slice_of(f->settings->hostname);
	set_macro(link, MACRO_HELO, helo);
	milter_connect(
	    &link->milter, slice_of(link->client), &link->peer, &link->out);
	if (!exchange(filter, seconds, &link->greeting, why))
		return why_context(why, "connect");
	milter_helo(&link->milter, helo, &link->out);
	return exchange(filter, seconds, &link->greeting, why) ||
	       why_context(why, "helo");
}

static void
say_mail(struct filter *filter)
{
	struct milter_link *link = filter->state;
	const struct filters *f = filter->filters;
	char arguments[64] = "";

	if (f->verify->size > 0)
		snprintf(arguments, sizeof(arguments), "SIZE=%llu ",
		    (unsigned long long)f->verify->size);
	if ((f->flags & (MAIL_8BIT | MAIL_BINARY | MAIL_UTF8)) != 0)
		snprintf(arguments + strlen(arguments),
		    sizeof(arguments) - strlen(arguments), "%s%s",
		    (f->flags & MAIL_BINARY) != 0 ? "BODY=BINARYMIME "
		    : (f->flags & MAIL_8BIT) != 0 ? "BODY=8BITMIME "
						  : "",
		    (f->flags & MAIL_UTF8) != 0 ? "SMTPUTF8" : "");
	milter_mail(
	    &link->milter, f->verify->sender, slice_of(arguments), &link->out);
}

static void
say_rcpt(struct filter *filter)
{
	struct milter_link *link = filter->state;
	const struct verify_question *question = filter->filters->question;

	set_macro(link, MACRO_RCPT, question->recipient);
	set_macro(link, MACRO_RCPT_HOST, domain_of(question->recipient));
	set_macro(link, MACRO_RCPT_MAILER,
	    question->is_local ? S("local") : S("smtp"));
	milter_rcpt(&link->milter, question->recipient, &link->out);
}

static bool
say_headers(struct filter *filter, struct verify_reply *reply, struct why *why)
{
	const struct header_list *list = &filter->filters->message.headers;
	struct milter_link *link = filter->state;

	for (size_t i = 0; i < list->count && !is_over(link, reply); i++) {
		milter_header(&link->milter, list->items[i].name,
		    list->items[i].value, &link->out);
		if (!exchange(filter, filter->spec->command, reply, why))
			return why_context(why, "header");
	}
	if (is_over(link, reply))
		return true;
	milter_end_of_header(&link->milter, &link->out);
	return exchange(filter, filter->spec->command, reply, why) ||
	       why_context(why, "end of header");
}

static bool
say_body(struct filter *filter, struct verify_reply *reply, struct why *why)
{
	struct milter_link *link = filter->state;
	char *room = alloc_zero(SPILL_PIECE, 1);
	struct slice bytes = S(" ");
	uint64_t at = 0;
	bool ok = true;

	while (ok && !is_over(link, reply) &&
	       milter_wants(&link->milter, MILTER_BODY)) {
		ok = filter_message_body(
			 &filter->filters->message, at, room, &bytes) ||
		     why_set(why, "cannot read the message");
		bytes = slice_first(bytes, MILTER_BODY_MAX);
		at += bytes.len;
		if (!ok || bytes.len == 0)
			break;
		milter_body(&link->milter, bytes, &link->out);
		ok = exchange(filter, filter->spec->command, reply, why);
	}
	alloc_release(room);
	return ok || why_context(why, "body");
}

static bool
say_message(struct filter *filter, struct verify_reply *reply, struct why *why)
{
	struct milter_link *link = filter->state;

	if (!say_headers(filter, reply, why) || !say_body(filter, reply, why))
		return false;
	if (!is_over(link, reply)) {
		milter_end(&link->milter, &link->out);
		if (!exchange(filter, filter->spec->message, reply, why))
			return why_context(why, "end of message");
	}
	link->milter.has_message = false;
	return true;
}

static bool
ask_milter(struct filter *filter, enum filter_stage stage,
    struct verify_reply *reply, struct why *why)
{
	struct milter_link *link = filter->state;

	if (stage == FILTER_AT_MAIL) {
		set_mail_macros(filter);
		if (!greet(filter, why))
			return false;
		if (link->greeting.action != VERIFY_PASS) {
			*reply = link->greeting;
			return true;
		}
		set_mail_macros(filter);
		say_mail(filter);
		return exchange(filter, filter->spec->command, reply, why);
	}
	if (link->fd < 0)
		return true;
	if (stage == FILTER_AT_RCPT)
		say_rcpt(filter);
	else if (stage == FILTER_AT_DATA)
		milter_data(&link->milter, &link->out);
	else
		return say_message(filter, reply, why);
	return exchange(filter, filter->spec->command, reply, why);
}

static void
abort_milter(struct filter *filter)
{
	struct milter_link *link = filter->state;
	bool owes_answer;

	if (link == NULL || link->fd < 0)
		return;
	owes_answer = link->milter.is_waiting || link->milter.is_bad;
	milter_abort(&link->milter, &link->out);
	/* One that failed is begun anew. */
	if (owes_answer || !flush(link, io_deadline(1), NULL))
		disconnect(link);
}

static void
close_milter(struct filter *filter)
{
	struct milter_link *link = filter->state;

	if (link == NULL)
		return;
	if (link->fd >= 0) {
		milter_quit(&link->milter, &link->out);
		(void)flush(link, io_deadline(1), NULL);
	}
	disconnect(link);
	milter_clear(&link->milter);
	buf_free(&link->out);
	alloc_release(link);
	filter->state = NULL;
}

const struct filter_functions filter_milter_functions = {
	.open = open_milter,
	.ask = ask_milter,
	.abort = abort_milter,
	.close = close_milter,
};
