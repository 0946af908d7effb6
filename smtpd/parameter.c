/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/parameter.h"

/* RFC 1870: size-value is 1 to 20 digits. */
static bool
set_size(struct session *session, struct slice value, struct why *why)
{
	if (value.len > 20 ||
	    !slice_u64(value, UINT64_MAX, &session->declared_size))
		return why_set(why, "SIZE= takes a number of bytes");
	return true;
}

/* RFC 6152. */
static bool
set_body(struct session *session, struct slice value, struct why *why)
{
	session->is_8bit = slice_eq_nocase(value, S("8BITMIME"));
	if (!session->is_8bit && !slice_eq_nocase(value, S("7BIT")))
		return why_set(why, "BODY= takes 7BIT or 8BITMIME");
	return true;
}

/* xtext (RFC 3461 section 4): "+" starts two upper-case hex digits. */
static bool
is_xtext(struct slice s)
{
	static const struct slice digits = SLICE("0123456789ABCDEF");

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~' || s.ptr[i] == '=')
			return false;
		if (s.ptr[i] != '+')
			continue;
		if (s.len - i < 3 ||
		    slice_index(digits, s.ptr[i + 1]) == digits.len ||
		    slice_index(digits, s.ptr[i + 2]) == digits.len)
			return false;
		i += 2;
	}
	return s.len > 0;
}

/* RFC 4954 section 5: checked and, since nobody here is trusted to speak
 * for another, treated as AUTH=<>. */
static bool
set_auth(struct session *session, struct slice value, struct why *why)
{
	(void)session;
	if (!is_xtext(value))
		return why_set(why, "AUTH= takes an address as xtext or <>");
	return true;
}

const struct parameter mail_parameters[] = {
	{ SLICE("SIZE"), set_size },
	{ SLICE("BODY"), set_body },
	{ SLICE("AUTH"), set_auth },
	{ SLICE(""), NULL },
};

/* RFC 3461's NOTIFY and ORCPT are not announced, so they are refused. */
const struct parameter rcpt_parameters[] = {
	{ SLICE(""), NULL },
};

static size_t
parameter_find(const struct parameter *table, struct slice name)
{
	size_t i;

	for (i = 0; table[i].name.len > 0; i++)
		if (slice_eq_nocase(table[i].name, name))
			break;
	return i;
}

bool
parameter_parse(struct session *session, const struct parameter *table,
    struct slice text, unsigned int *code, struct why *why)
{
	struct slice word, name, value;
	unsigned int seen = 0;
	size_t row;

	while (slice_token(&text, S(" \t"), &word)) {
		slice_cut(word, '=', &name, &value);
		row = parameter_find(table, name);
		*code = 555;
		if (table[row].name.len == 0)
			return why_set(why, "%.*s is no parameter known here",
			    SLICE_FMT(slice_first(name, 64)));
		*code = 501;
		if (seen & 1u << row)
			return why_set(
			    why, "%s= is given twice", table[row].name.ptr);
		seen |= 1u << row;
		if (!table[row].set(session, value, why))
			return false;
	}
	return true;
}
