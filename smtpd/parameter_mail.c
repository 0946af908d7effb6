/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/date.h"
#include "common/limits.h"

#include "smtpd/extension.h"
#include "smtpd/parameter.h"
#include "smtpd/xtext.h"

struct choice {
	struct slice word;
	uint32_t flag;
};

static bool
choose(struct session *session, struct slice value,
    const struct choice *choices, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_eq_nocase(value, choices[i].word)) {
			session->options.mail.flags |= choices[i].flag;
			return true;
		}
	return false;
}

/* RFC 1870: size-value is 1 to 20 digits. */
static bool
set_size(struct session *session, struct slice value, struct why *why)
{
	if (value.len > 20 ||
	    !slice_u64(value, UINT64_MAX, &session->options.size))
		return why_set(why, "SIZE= takes a number of bytes");
	return true;
}

/* RFC 6152, RFC 3030. */
static bool
set_body(struct session *session, struct slice value, struct why *why)
{
	static const struct choice choices[] = {
		{ SLICE("7BIT"), 0 },
		{ SLICE("8BITMIME"), MAIL_8BIT },
		{ SLICE("BINARYMIME"), MAIL_BINARY },
	};

	return choose(session, value, choices, 3) ||
	       why_set(why, "BODY= takes 7BIT, 8BITMIME or BINARYMIME");
}

/* RFC 4954 section 5: checked and, since nobody here is trusted to speak
 * for another, treated as AUTH=<>. */
static bool
set_auth(struct session *session, struct slice value, struct why *why)
{
	struct buf ignored;
	bool ok;

	(void)session;
	buf_init(&ignored, LIMIT_SMTP_COMMAND);
	ok = value.len > 0 && xtext_decode(value, &ignored);
	buf_free(&ignored);
	return ok || why_set(why, "AUTH= takes an address as xtext or <>");
}

/* RFC 6531 section 3.4. */
static bool
set_smtputf8(struct session *session, struct slice value, struct why *why)
{
	(void)value;
	(void)why;
	session->options.mail.flags |= MAIL_UTF8;
	return true;
}

/* RFC 8689 section 2. */
static bool
set_requiretls(struct session *session, struct slice value, struct why *why)
{
	(void)value;
	(void)why;
	session->options.mail.flags |= MAIL_REQUIRETLS;
	return true;
}

/* RFC 3461 section 4.3. */
static bool
set_ret(struct session *session, struct slice value, struct why *why)
{
	static const struct choice choices[] = {
		{ SLICE("FULL"), MAIL_RET_FULL },
		{ SLICE("HDRS"), MAIL_RET_HEADERS },
	};

	return choose(session, value, choices, 2) ||
	       why_set(why, "RET= takes FULL or HDRS");
}

/* RFC 3461 section 4.4. */
static bool
set_envid(struct session *session, struct slice value, struct why *why)
{
	struct options *options = &session->options;
	bool ok = value.len > 0 && value.len <= LIMIT_ENVELOPE_ID &&
		  xtext_decode(value, &options->envelope_id);

	options->mail.envelope_id = buf_slice(&options->envelope_id);
	for (size_t i = 0; ok && i < options->envelope_id.len; i++)
		ok = ascii_is_print(options->envelope_id.ptr[i]);
	return ok || why_set(why, "ENVID= takes up to %d characters of xtext",
			 LIMIT_ENVELOPE_ID);
}

/* RFC 6710 section 4.1. */
static bool
set_priority(struct session *session, struct slice value, struct why *why)
{
	bool is_negative = slice_starts(value, S("-"));
	uint64_t number;

	if (is_negative)
		value = slice_from(value, 1);
	if (value.len != 1 ||
	    !slice_u64(value, MAIL_PRIORITY_HIGHEST, &number) ||
	    (is_negative && number == 0))
		return why_set(why, "MT-PRIORITY= takes -9 to 9");
	session->options.mail.priority =
	    is_negative ? -(int32_t)number : (int32_t)number;
	return true;
}

/* RFC 2852 section 4: [+|-]seconds;R or N, then perhaps T. */
static bool
set_by(struct session *session, struct slice value, struct why *why)
{
	static const struct choice choices[] = {
		{ SLICE("R"), MAIL_BY_RETURN },
		{ SLICE("N"), MAIL_BY_NOTIFY },
		{ SLICE("RT"), MAIL_BY_RETURN | MAIL_BY_TRACE },
		{ SLICE("NT"), MAIL_BY_NOTIFY | MAIL_BY_TRACE },
	};
	struct mail_options *options = &session->options.mail;
	struct slice time, mode;
	uint64_t seconds;
	bool is_negative = slice_starts(value, S("-"));

	if (is_negative || slice_starts(value, S("+")))
		value = slice_from(value, 1);
	if (!slice_cut(value, ';', &time, &mode) || time.len > 9 ||
	    !slice_u64(time, MAIL_TIME_MAX, &seconds) ||
	    !choose(session, mode, choices, 4))
		return why_set(
		    why, "BY= takes seconds, a semicolon and R, N, RT or NT");
	if ((options->flags & MAIL_BY_RETURN) &&
	    (is_negative || seconds < LIMIT_DELIVER_BY_MINIMUM))
		return why_set(why, "BY= with R takes at least %d seconds",
		    LIMIT_DELIVER_BY_MINIMUM);
	if (is_negative)
		options->deliver_by =
		    session->now > seconds ? session->now - seconds : 1;
	else
		options->deliver_by = session->now + seconds;
	return true;
}

static bool
set_hold(struct session *session, uint64_t until, struct why *why)
{
	uint64_t limit = session->connection->settings->maximal_hold_time;

	if (session->options.mail.hold_until != 0)
		return why_set(why, "HOLDFOR and HOLDUNTIL exclude each other");
	if (until > session->now + limit)
		return why_set(why,
		    "A message is held for at most %llu seconds here",
		    (unsigned long long)limit);
	session->options.mail.hold_until = until;
	return true;
}

/* RFC 4865 section 4: 1 to 9 digits. */
static bool
set_holdfor(struct session *session, struct slice value, struct why *why)
{
	uint64_t seconds;

	if (value.len > 9 || !slice_u64(value, MAIL_TIME_MAX, &seconds) ||
	    seconds == 0)
		return why_set(why, "HOLDFOR= takes a number of seconds");
	return set_hold(session, session->now + seconds, why);
}

static bool
set_holduntil(struct session *session, struct slice value, struct why *why)
{
	time_t when;

	if (!date_parse_rfc3339(value, &when) || when <= 0)
		return why_set(
		    why, "HOLDUNTIL= takes a date as in 2026-12-24T18:00:00Z");
	if ((uint64_t)when <= session->now)
		return why_set(why, "HOLDUNTIL= is a time that has passed");
	return set_hold(session, (uint64_t)when, why);
}

const struct parameter mail_parameters[] = {
	{ SLICE("SIZE"), true, set_size, NULL },
	{ SLICE("BODY"), true, set_body, NULL },
	{ SLICE("AUTH"), true, set_auth, NULL },
	{ SLICE("SMTPUTF8"), false, set_smtputf8, NULL },
	{ SLICE("RET"), true, set_ret, NULL },
	{ SLICE("ENVID"), true, set_envid, NULL },
	{ SLICE("BY"), true, set_by, NULL },
	{ SLICE("REQUIRETLS"), false, set_requiretls, extension_has_tls },
	{ SLICE("MT-PRIORITY"), true, set_priority, extension_is_trusted },
	{ SLICE("HOLDFOR"), true, set_holdfor, extension_may_hold },
	{ SLICE("HOLDUNTIL"), true, set_holduntil, extension_may_hold },
	{ SLICE(""), false, NULL, NULL },
};

const struct parameter vrfy_parameters[] = {
	{ SLICE("SMTPUTF8"), false, set_smtputf8, NULL },
	{ SLICE(""), false, NULL, NULL },
};
