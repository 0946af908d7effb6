/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/enqueue_sender.h"

#include <stdio.h>
#include <string.h>

#include "common/header.h"
#include "common/log.h"

#include "queue/enqueue_policy.h"
#include "queue/enqueue_trace.h"

/* The user of Postfix knows the first half, everybody the second. */
#define NOT_OWNED                                                              \
	"Sender address rejected: not owned by user %.80s; write one of your " \
	"own addresses, or ask the postmaster to grant it (senders)"

/* Who is asked for: the login as the front has it, and the user it is. */
struct owner {
	struct slice login;
	struct user user; /* name "" when there is none */
};

static bool
is_checked(const struct enqueue *e)
{
	return e->facts.login[0] != '\0' &&
	       e->settings->sender_check != SENDER_CHECK_NO;
}

static bool
reply_later(struct inject_reply *reply, const struct why *why)
{
	log_error("cannot check a sender: %s", why->text);
	answer_set(reply, 451, "4.3.0",
	    "the user tables cannot be read now, try again later");
	return false;
}

static bool
find_owner(struct enqueue *e, struct owner *owner, struct inject_reply *reply)
{
	struct why why = { 0 };

	owner->login = slice_of(e->facts.login);
	switch (
	    users_find_login(e->settings, owner->login, &owner->user, &why)) {
	case RESULT_OK:
		return true;
	case RESULT_LATER:
		return reply_later(reply, &why);
	case RESULT_NEVER:
		break;
	}
	owner->user.name[0] = '\0';
	return true;
}

static bool
names_owner(const struct owner *owner, struct slice value)
{
	struct slice word;

	while (slice_token(&value, S(", \t"), &word))
		if (slice_eq_nocase(word, owner->login) ||
		    slice_eq_nocase(word, slice_of(owner->user.name)))
			return true;
	return false;
}

/* The key is local@domain, or @domain with an empty local part. */
static enum result
find_grant(struct enqueue *e, const struct owner *owner,
    const struct address *address, struct why *why)
{
	enum result result;
	struct slice value;
	struct buf key;
	size_t line;

	buf_init(&key, 4 * LIMIT_SMTP_PATH);
	if (address->local.len > 0)
		address_format(&key, address);
	else
		buf_add_format(&key, "@%.*s", SLICE_FMT(address->domain));
	result = table_find(
	    e->tables.senders, buf_slice(&key), e->scratch, &value, &line, why);
	buf_free(&key);
	if (result == RESULT_OK && !names_owner(owner, value))
		result = RESULT_NEVER;
	return result;
}

/* Exact address, address without +tag, domain. */
static enum result
is_granted(struct enqueue *e, const struct owner *owner,
    const struct address *address, struct why *why)
{
	const char *delimiter = e->settings->recipient_delimiter;
	struct address key = *address;
	enum result result;

	if (e->tables.senders == NULL)
		return RESULT_NEVER;
	result = find_grant(e, owner, &key, why);
	if (result == RESULT_NEVER && delimiter != NULL &&
	    delimiter[0] != '\0') {
		key.local = slice_first(
		    key.local, slice_index(key.local, delimiter[0]));
		if (key.local.len > 0 && key.local.len < address->local.len)
			result = find_grant(e, owner, &key, why);
	}
	key.local = S("");
	return result == RESULT_NEVER ? find_grant(e, owner, &key, why)
				      : result;
}

/* Any address of the domain: of the login's own, or, for an account of the
 * system, of any domain here. */
static bool
is_of_domain(const struct enqueue *e, const struct owner *owner,
    const struct address *address)
{
	struct slice name = slice_of(owner->user.name);
	size_t at = slice_last_index(name, '@');

	if (e->settings->sender_check != SENDER_CHECK_DOMAIN || name.len == 0 ||
	    !settings_is_local_domain(e->settings, address->domain))
		return false;
	return at == name.len ||
	       slice_eq_nocase(slice_from(name, at + 1), address->domain);
}

static enum result
is_mailbox_of(struct enqueue *e, const struct owner *owner,
    const struct address *address, struct why *why)
{
	struct resolution resolution;
	enum result result;

	if (owner->user.name[0] == '\0' ||
	    !settings_is_local_domain(e->settings, address->domain))
		return RESULT_NEVER;
	result = resolver_resolve(
	    e->tables.resolver, address, e->scratch, &resolution, why);
	if (result != RESULT_OK)
		return result;
	return resolution.count == 1 &&
		       resolution.targets[0].kind == TARGET_MAILBOX &&
		       strcmp(resolution.targets[0].user.name,
			   owner->user.name) == 0
		   ? RESULT_OK
		   : RESULT_NEVER;
}

static bool
may_use(struct enqueue *e, const struct owner *owner,
    const struct address *given, struct inject_reply *reply)
{
	struct address address = *given;
	struct why why = { 0 };
	enum result result;

	if (address.domain.len == 0)
		address.domain = slice_of(e->settings->origin);
	if (is_of_domain(e, owner, &address))
		return true;
	arena_reset(e->scratch);
	result = is_mailbox_of(e, owner, &address, &why);
	if (result == RESULT_NEVER)
		result = is_granted(e, owner, &address, &why);
	if (result == RESULT_LATER)
		return reply_later(reply, &why);
	if (result == RESULT_OK)
		return true;
	answer_set(reply, 553, "5.7.1", NOT_OWNED, e->facts.login);
	return false;
}

bool
sender_may_send(struct enqueue *e, struct inject_reply *reply)
{
	struct address address;
	struct owner owner;

	if (!is_checked(e) || e->envelope.sender.len == 0)
		return true;
	if (!find_owner(e, &owner, reply))
		return false;
	if (!address_parse(e->envelope.sender, e->arena, &address)) {
		answer_set(reply, 553, "5.1.7", "sender address is malformed");
		return false;
	}
	return may_use(e, &owner, &address, reply);
}

struct field_check {
	struct enqueue *e;
	const struct owner *owner;
	struct inject_reply *reply;
	struct slice name;
	size_t mailboxes;
};

static bool
check_item(void *context, const struct address_item *item)
{
	struct field_check *check = context;

	if (item->kind != ADDRESS_MAILBOX)
		return true;
	check->mailboxes++;
	if (may_use(check->e, check->owner, &item->address, check->reply))
		return true;
	/* The reply to a message does not begin with an address. */
	if (check->reply->code == 553)
		answer_set(check->reply, 550, "5.7.1",
		    "%.*s: %.*s@%.*s: " NOT_OWNED,
		    SLICE_FMT(slice_first(check->name, 16)),
		    SLICE_FMT(slice_first(item->address.local, 64)),
		    SLICE_FMT(slice_first(item->address.domain, 100)),
		    check->e->facts.login);
	return false;
}

/* Everybody that From: or Sender: names has to be the user. */
static bool
check_field(struct enqueue *e, const struct owner *owner,
    const struct header_field *field, struct inject_reply *reply)
{
	struct field_check check = { e, owner, reply, field->name, 0 };

	reply->code = 0;
	if (address_list_parse(field->body, e->arena, check_item, &check) &&
	    check.mailboxes > 0)
		return true;
	if (reply->code == 0)
		answer_set(reply, 554, "5.6.0",
		    "%.*s: has no address of yours; write one",
		    SLICE_FMT(slice_first(field->name, 16)));
	return false;
}

/* RFC 5322 section 3.6: at most once. */
static const struct slice single_fields[] = { SLICE("From"), SLICE("Sender"),
	SLICE("Date"), SLICE("Reply-To"), SLICE("To"), SLICE("Cc"),
	SLICE("Message-ID"), SLICE("In-Reply-To"), SLICE("References"),
	SLICE("Subject") };

#define SINGLE_FIELDS (sizeof(single_fields) / sizeof(single_fields[0]))

/* Which of them is there a second time? NULL: none. */
static const struct slice *
take_single(unsigned int *seen, struct slice name)
{
	for (size_t i = 0; i < SINGLE_FIELDS; i++) {
		if (!slice_eq_nocase(name, single_fields[i]))
			continue;
		if ((*seen & 1u << i) != 0)
			return &single_fields[i];
		*seen |= 1u << i;
	}
	return NULL;
}

static bool
is_author(struct slice name)
{
	return slice_eq_nocase(name, S("From")) ||
	       slice_eq_nocase(name, S("Sender"));
}

bool
sender_check_header(
    struct enqueue *e, struct slice header, struct inject_reply *reply)
{
	struct header_iterator iterator;
	struct header_field field;
	const struct slice *twice;
	unsigned int seen = 0;
	struct owner owner;

	if (e->facts.login[0] == '\0')
		return true;
	if (!find_owner(e, &owner, reply))
		return false;
	header_begin(&iterator, header);
	while (header_next(&iterator, &field)) {
		twice = take_single(&seen, field.name);
		if (twice != NULL) {
			answer_set(reply, 554, "5.6.0",
			    "the message has two %s: fields (RFC 5322 3.6)",
			    twice->ptr);
			return false;
		}
		if (is_checked(e) && is_author(field.name) &&
		    !check_field(e, &owner, &field, reply))
			return false;
	}
	return true;
}

static bool
is_blind(struct slice name)
{
	return slice_eq_nocase(name, S("Bcc")) ||
	       slice_eq_nocase(name, S("Resent-Bcc"));
}

void
sender_add_header(const struct enqueue *e, struct slice header, struct buf *out)
{
	struct header_iterator iterator;
	struct header_field field;
	size_t added = 0, start;

	header_begin(&iterator, header);
	while (
	    trace_is_submission(&e->facts) && header_next(&iterator, &field)) {
		if (!is_blind(field.name))
			continue;
		start = (size_t)(field.raw.ptr - header.ptr);
		buf_add(out, slice_from(slice_first(header, start), added));
		added = start + field.raw.len;
	}
	buf_add(out, slice_from(header, added));
}
