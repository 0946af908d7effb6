/* SPDX-License-Identifier: ISC */
/*
 * XCLIENT and XFORWARD as Postfix has them (XCLIENT_README,
 * XFORWARD_README): attribute=value in xtext, "[UNAVAILABLE]" and
 * "[TEMPUNAVAIL]" for what is not known.
 */
#include "config.h"

#include <string.h>

#include "common/limits.h"

#include "smtpd/cmd.h"
#include "smtpd/xtext.h"

/* False: the value is malformed; "" is "unavailable". */
typedef bool attribute_fn(struct claim *claim, struct slice value);

struct attribute {
	struct slice name;
	uint32_t given;
	attribute_fn *set;
};

/* Characters with a meaning in Received: and in log lines; an address
 * literal is a name too. */
static bool
set_word(struct slice value, char *array, size_t size)
{
	static const struct slice specials = SLICE(" <>()\"\\,;");

	for (size_t i = 0; i < value.len; i++)
		if (!ascii_is_print(value.ptr[i]) ||
		    slice_index(specials, value.ptr[i]) < specials.len)
			return false;
	return slice_to_array(value, array, size);
}

static bool
set_name(struct claim *claim, struct slice value)
{
	return set_word(value, claim->name, sizeof(claim->name));
}

static bool
set_helo(struct claim *claim, struct slice value)
{
	return set_word(value, claim->helo, sizeof(claim->helo));
}

static bool
set_login(struct claim *claim, struct slice value)
{
	return set_word(value, claim->login, sizeof(claim->login));
}

static bool
set_ident(struct claim *claim, struct slice value)
{
	return set_word(value, claim->ident, sizeof(claim->ident));
}

static bool
set_protocol(struct claim *claim, struct slice value)
{
	claim->is_esmtp = slice_eq_nocase(value, S("ESMTP"));
	return claim->is_esmtp || slice_eq_nocase(value, S("SMTP"));
}

/* "192.0.2.1", "IPV6:2001:db8::1"; nothing is an address of no family,
 * which no list of networks contains. */
static bool
parse_address(struct slice value, struct netaddr *out)
{
	uint16_t port = out->port;
	bool ok = true;

	if (slice_starts_nocase(value, S("IPV6:")))
		value = slice_from(value, 5);
	memset(out, 0, sizeof(*out));
	if (value.len > 0)
		ok = netaddr_parse(value, out);
	out->port = port;
	return ok;
}

static bool
parse_port(struct slice value, struct netaddr *out)
{
	uint64_t port = 0;
	bool ok = value.len == 0 || slice_u64(value, 65535, &port);

	out->port = (uint16_t)port;
	return ok;
}

static bool
set_address(struct claim *claim, struct slice value)
{
	return parse_address(value, &claim->peer);
}

static bool
set_port(struct claim *claim, struct slice value)
{
	return parse_port(value, &claim->peer);
}

static bool
set_local_address(struct claim *claim, struct slice value)
{
	return parse_address(value, &claim->local);
}

static bool
set_local_port(struct claim *claim, struct slice value)
{
	return parse_port(value, &claim->local);
}

static const struct attribute xclient_attributes[] = {
	{ SLICE("NAME"), CLAIM_NAME, set_name },
	{ SLICE("ADDR"), CLAIM_ADDRESS, set_address },
	{ SLICE("PORT"), CLAIM_PORT, set_port },
	{ SLICE("PROTO"), CLAIM_PROTOCOL, set_protocol },
	{ SLICE("HELO"), CLAIM_HELO, set_helo },
	{ SLICE("LOGIN"), CLAIM_LOGIN, set_login },
	{ SLICE("DESTADDR"), CLAIM_LOCAL_ADDRESS, set_local_address },
	{ SLICE("DESTPORT"), CLAIM_LOCAL_PORT, set_local_port },
	{ SLICE(""), 0, NULL },
};

static const struct attribute xforward_attributes[] = {
	{ SLICE("NAME"), CLAIM_NAME, set_name },
	{ SLICE("ADDR"), CLAIM_ADDRESS, set_address },
	{ SLICE("PORT"), CLAIM_PORT, set_port },
	{ SLICE("PROTO"), CLAIM_PROTOCOL, set_protocol },
	{ SLICE("HELO"), CLAIM_HELO, set_helo },
	{ SLICE("IDENT"), CLAIM_IDENT, set_ident },
	{ SLICE(""), 0, NULL },
};

/* RFC 3461 section 4. */
static bool
decode_xtext(struct session *session, struct slice text, struct slice *out)
{
	struct buf decoded;
	bool ok;

	buf_init(&decoded, LIMIT_SMTP_COMMAND);
	ok = xtext_decode_any(text, &decoded);
	*out = arena_slice(
	    session->arena, slice_make(buf_string(&decoded), decoded.len));
	buf_free(&decoded);
	return ok && out->ptr != NULL;
}

static bool
take_attribute(
    struct session *session, const struct attribute *table, struct slice word)
{
	struct claim *claim = &session->claim;
	struct slice name, text, value;

	if (!slice_cut(word, '=', &name, &text) ||
	    !decode_xtext(session, text, &value))
		return false;
	while (table->name.len > 0 && !slice_eq_nocase(table->name, name))
		table++;
	if (table->name.len == 0 || (claim->given & table->given) != 0)
		return false;
	if (slice_eq_nocase(value, S("[UNAVAILABLE]")) ||
	    slice_eq_nocase(value, S("[TEMPUNAVAIL]")))
		value = S("");
	claim->given |= table->given;
	return table->given == CLAIM_PROTOCOL && value.len == 0
		   ? set_protocol(claim, S("SMTP"))
		   : table->set(claim, value);
}

static bool
parse_claim(
    struct session *session, const struct attribute *table, struct slice text)
{
	static const struct reply bad = { 501, "5.5.4",
		"An attribute is unknown, malformed or given twice" };
	struct slice word;

	memset(&session->claim, 0, sizeof(session->claim));
	session->claim.magic = CLAIM_MAGIC;
	while (slice_token(&text, S(" \t"), &word)) {
		if (take_attribute(session, table, word))
			continue;
		reply_error(session, bad);
		return false;
	}
	return true;
}

static const struct reply not_listed = { 550, "5.7.0",
	"This client may not speak for others" };

const struct reply *
check_xclient(const struct session *session)
{
	return session->connection->may_xclient ? NULL : &not_listed;
}

const struct reply *
check_xforward(const struct session *session)
{
	return session->connection->may_xforward ? NULL : &not_listed;
}

/* As after STARTTLS: what was said before is forgotten with this session.
 * The reply is the greeting of the next one. */
void
cmd_xclient(struct session *session, const struct argument *argument)
{
	if (!parse_claim(session, xclient_attributes, argument->text))
		return;
	session->done[session->verb]++;
	session_push(session, EFFECT_XCLIENT);
	session_close(session);
}

void
cmd_xforward(struct session *session, const struct argument *argument)
{
	if (!parse_claim(session, xforward_attributes, argument->text))
		return;
	if (!session->has_forward)
		session->claim.given |= CLAIM_FRESH;
	session_push(session, EFFECT_XFORWARD);
}

void
session_claimed(struct session *session, bool is_taken)
{
	static const struct reply taken = { 250, "2.0.0", "Ok" };
	static const struct reply failed = { 451, "4.3.0",
		"Cannot take this now, try again later" };

	BUG_UNLESS(session->waiting == EFFECT_XFORWARD);
	session->waiting = EFFECT_READ;
	if (session->claim.given == CLAIM_FRESH)
		return;
	if (!is_taken) {
		reply_error(session, failed);
		return;
	}
	session->has_forward = true;
	session->done[session->verb]++;
	reply_add(session, taken);
}

/* An empty claim takes the place of the one that the front has. Within a
 * transaction enqueue forgets it. */
void
forward_forget(struct session *session)
{
	if (!session->has_forward || (session->phase & PHASE_TRANSACTION) != 0)
		return;
	memset(&session->claim, 0, sizeof(session->claim));
	session->claim.magic = CLAIM_MAGIC;
	session->claim.given = CLAIM_FRESH;
	session_push(session, EFFECT_XFORWARD);
}

void
claim_begin(struct session *session)
{
	const struct connection *c = session->connection;

	session->is_logged_in = c->login[0] != '\0';
	if (!c->is_claimed || c->claim.helo[0] == '\0')
		return;
	buf_add_string(&session->helo, c->claim.helo);
	session->is_esmtp = c->claim.is_esmtp != 0;
	session->phase = PHASE_READY;
}
