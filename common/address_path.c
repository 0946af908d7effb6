/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/address.h"

#include <string.h>

#include "common/limits.h"
#include "common/netaddr.h"
#include "common/utf8.h"

/* One parse: what is left, and where errors go. */
struct path_parser {
	struct slice rest;
	struct address_syntax syntax;
	struct arena *arena;
	struct why *why;
};

/* RFC 3463: 5.1.7 for a sender's address, 5.1.3 for a recipient's. */
static bool
path_fail(struct path_parser *parser, const char *text)
{
	why_set(parser->why, "%s", text);
	if (parser->why != NULL)
		slice_to_array(
		    parser->syntax.may_be_null ? S("5.1.7") : S("5.1.3"),
		    parser->why->status, sizeof(parser->why->status));
	return false;
}

static bool
path_next_is(const struct path_parser *parser, char c)
{
	return parser->rest.len > 0 && parser->rest.ptr[0] == c;
}

static bool
path_take(struct path_parser *parser, char c)
{
	bool is = path_next_is(parser, c);

	if (is)
		parser->rest = slice_from(parser->rest, 1);
	return is;
}

/* RFC 5322 section 3.2.3 atext. */
static bool
is_atext(char c)
{
	static const char others[] = "!#$%&'*+-/=?^_`{|}~";

	return ascii_is_alpha(c) || ascii_is_digit(c) ||
	       (c != '\0' && memchr(others, c, sizeof(others) - 1) != NULL);
}

static bool
is_dot_string(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (is_atext(s.ptr[i]) || (s.ptr[i] & 0x80) != 0)
			continue;
		if (s.ptr[i] != '.' || i == 0 || i + 1 == s.len ||
		    s.ptr[i - 1] == '.')
			return false;
	}
	return s.len > 0;
}

/* UTF8-non-ascii, or why it may not stand here. */
static bool
path_is_clean(struct path_parser *parser, struct slice s)
{
	if (slice_is_ascii(s))
		return true;
	if (!parser->syntax.may_be_utf8)
		return path_fail(
		    parser, "the address has characters outside ASCII");
	return utf8_is_valid(s) ||
	       path_fail(parser, "the address is not valid UTF-8");
}

/* Dot-string (RFC 5321 section 4.1.2, RFC 6531 section 3.3). */
static bool
path_dot_string(struct path_parser *parser, struct slice *local)
{
	size_t n = 0;

	while (n < parser->rest.len &&
	       (is_atext(parser->rest.ptr[n]) || parser->rest.ptr[n] == '.' ||
		   (parser->rest.ptr[n] & 0x80) != 0))
		n++;
	*local = slice_first(parser->rest, n);
	parser->rest = slice_from(parser->rest, n);
	if (!path_is_clean(parser, *local))
		return false;
	if (n == 0)
		return path_fail(parser, "an address is expected here");
	if (!is_dot_string(*local))
		return path_fail(
		    parser, "the address has a dot too many before the @");
	return true;
}

/* Quoted-string: qtextSMTP 32 to 126, quoted-pairSMTP "\" 32 to 126. */
static bool
path_quoted_string(struct path_parser *parser, struct slice *local)
{
	char *value = arena_alloc(parser->arena, parser->rest.len);
	size_t n = 0;
	char c;

	if (value == NULL)
		return path_fail(parser, "the address is too long");
	while (!path_take(parser, '"')) {
		(void)path_take(parser, '\\');
		if (parser->rest.len == 0)
			return path_fail(
			    parser, "the quoted part has no closing quote");
		c = parser->rest.ptr[0];
		if (!ascii_is_print(c) && (c & 0x80) == 0)
			return path_fail(
			    parser, "a control character is in the address");
		value[n++] = c;
		parser->rest = slice_from(parser->rest, 1);
	}
	*local = slice_make(value, n);
	if (n == 0)
		return path_fail(parser, "the quoted part is empty");
	return path_is_clean(parser, *local);
}

/* A domain, or an address literal up to its bracket. */
static bool
path_domain(struct path_parser *parser, struct slice *domain)
{
	static const struct slice ends = SLICE(" \t>,:");
	size_t n = 0;

	if (path_next_is(parser, '[')) {
		n = slice_index(parser->rest, ']');
		n += n < parser->rest.len;
	} else {
		while (n < parser->rest.len &&
		       slice_index(ends, parser->rest.ptr[n]) == ends.len)
			n++;
	}
	*domain = slice_first(parser->rest, n);
	parser->rest = slice_from(parser->rest, n);
	if (domain->len > 1 && domain->ptr[domain->len - 1] == '.')
		domain->len--;
	if (n == 0)
		return path_fail(parser, "nothing stands after the @");
	if (!path_is_clean(parser, *domain))
		return false;
	if (!domain_is_valid(*domain) && !domain_is_valid_utf8(*domain))
		return path_fail(
		    parser, "what stands after the @ is no domain name");
	return true;
}

/* A-d-l ":" (RFC 5321 section 4.1.1.3: accepted and ignored). */
static bool
path_source_route(struct path_parser *parser)
{
	struct slice ignored;

	while (path_take(parser, '@')) {
		if (!path_domain(parser, &ignored))
			return false;
		if (path_take(parser, ':'))
			return true;
		if (!path_take(parser, ','))
			return path_fail(parser, "the source route is broken");
	}
	return true;
}

static bool
path_mailbox(struct path_parser *parser, struct address *out)
{
	bool ok = path_take(parser, '"')
		      ? path_quoted_string(parser, &out->local)
		      : path_dot_string(parser, &out->local);

	if (!ok)
		return false;
	if (path_take(parser, '@'))
		ok = path_domain(parser, &out->domain);
	else if (!parser->syntax.may_be_local)
		ok = path_fail(parser, "the address has no @domain");
	if (!ok)
		return false;
	if (out->local.len > LIMIT_SMTP_LOCAL_PART)
		return path_fail(parser, "the part before the @ is too long");
	if (out->local.len + out->domain.len + 1 > LIMIT_SMTP_PATH)
		return path_fail(parser, "the address is too long");
	return true;
}

static bool
path_in_brackets(struct path_parser *parser, struct address *out)
{
	if (parser->syntax.may_be_null && path_take(parser, '>'))
		return true;
	if (!path_source_route(parser) || !path_mailbox(parser, out))
		return false;
	if (!path_take(parser, '>'))
		return path_fail(parser, "the address does not end in >");
	return true;
}

bool
address_parse_path(struct slice *input, struct address_syntax syntax,
    struct arena *arena, struct address *out, struct why *why)
{
	struct path_parser parser = {
		.rest = *input, .syntax = syntax, .arena = arena, .why = why
	};
	bool ok;

	memset(out, 0, sizeof(*out));
	while (path_take(&parser, ' ') || path_take(&parser, '\t'))
		continue;
	ok = path_take(&parser, '<') ? path_in_brackets(&parser, out)
				     : path_mailbox(&parser, out);
	*input = parser.rest;
	if (ok && parser.rest.len > 0 && !ascii_is_space(parser.rest.ptr[0]))
		ok = path_fail(&parser, "something follows the address");
	return ok;
}

bool
address_parse(struct slice input, struct arena *arena, struct address *out)
{
	struct path_parser parser = { .rest = input,
		.syntax = { .may_be_local = true, .may_be_utf8 = true },
		.arena = arena };

	memset(out, 0, sizeof(*out));
	return path_mailbox(&parser, out) && parser.rest.len == 0;
}

bool
address_is_null(const struct address *address)
{
	return address->local.len == 0 && address->domain.len == 0;
}

bool
address_format(struct buf *out, const struct address *address)
{
	if (address_is_null(address))
		return !out->failed;
	if (is_dot_string(address->local)) {
		buf_add(out, address->local);
	} else {
		buf_add_char(out, '"');
		for (size_t i = 0; i < address->local.len; i++) {
			if (address->local.ptr[i] == '"' ||
			    address->local.ptr[i] == '\\')
				buf_add_char(out, '\\');
			buf_add_char(out, address->local.ptr[i]);
		}
		buf_add_char(out, '"');
	}
	if (address->domain.len > 0) {
		buf_add_char(out, '@');
		buf_add(out, address->domain);
	}
	return !out->failed;
}

/* address-literal (RFC 5321 section 4.1.3): IPv4 and IPv6. */
static bool
literal_is_valid(struct slice s)
{
	static const struct slice tag = SLICE("IPv6:");
	struct netaddr address;
	bool is_tagged;

	if (s.len < 3 || s.ptr[s.len - 1] != ']')
		return false;
	s = slice_first(slice_from(s, 1), s.len - 2);
	is_tagged = slice_starts_nocase(s, tag);
	if (is_tagged)
		s = slice_from(s, tag.len);
	if (!netaddr_parse(s, &address))
		return false;
	return is_tagged == (slice_index(s, ':') < s.len);
}

/* sub-domain = Let-dig [Ldh-str], at most 63 (RFC 1035 section 2.3.4); in
 * UTF-8 the limit is that of its A-label, which is longer than this. */
static bool
label_is_valid(struct slice label, bool may_be_utf8)
{
	if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' ||
	    label.ptr[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++)
		if (!ascii_is_alpha(label.ptr[i]) &&
		    !ascii_is_digit(label.ptr[i]) && label.ptr[i] != '-' &&
		    (!may_be_utf8 || (label.ptr[i] & 0x80) == 0))
			return false;
	return !may_be_utf8 || utf8_is_valid(label);
}

static bool
labels_are_valid(struct slice domain, bool may_be_utf8)
{
	struct slice label;
	bool is_more = true;

	if (domain.len == 0 || domain.len > LIMIT_SMTP_DOMAIN)
		return false;
	while (is_more) {
		is_more = slice_cut(domain, '.', &label, &domain);
		if (!label_is_valid(label, may_be_utf8))
			return false;
	}
	return true;
}

bool
domain_is_valid(struct slice domain)
{
	if (domain.len > 0 && domain.ptr[0] == '[')
		return domain.len <= LIMIT_SMTP_DOMAIN &&
		       literal_is_valid(domain);
	return labels_are_valid(domain, false);
}

bool
domain_is_valid_utf8(struct slice domain)
{
	return !slice_is_ascii(domain) && labels_are_valid(domain, true);
}
