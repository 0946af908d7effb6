/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/parameter.h"

#include "smtpd/xtext.h"

/* RFC 3461 section 4.1: NEVER alone, or a list of the others. */
static bool
set_notify(struct session *session, struct slice value, struct why *why)
{
	static const struct slice names[] = { SLICE("NEVER"), SLICE("SUCCESS"),
		SLICE("FAILURE"), SLICE("DELAY") };
	struct rcpt_options *options = &session->options.rcpt;
	struct slice rest = value, word;
	bool is_more = true, is_known = true;
	unsigned int bits = 0, bit;

	while (is_more && is_known) {
		is_more = slice_cut(rest, ',', &word, &rest);
		is_known = false;
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			bit = 1u << i;
			if (!slice_eq_nocase(word, names[i]))
				continue;
			is_known = (bits & bit) == 0;
			bits |= bit;
		}
	}
	options->notify = (uint8_t)bits;
	if (!is_known || ((bits & NOTIFY_NEVER) && bits != NOTIFY_NEVER))
		return why_set(why,
		    "NOTIFY= takes NEVER, or some of SUCCESS, FAILURE, DELAY");
	return true;
}

/* RFC 3461 section 4.2, RFC 6533 section 3. */
static bool
set_orcpt(struct session *session, struct slice value, struct why *why)
{
	struct options *options = &session->options;
	struct slice type = S(""), text = S("");
	bool ok = value.len <= LIMIT_ORIGINAL_RECIPIENT &&
		  slice_cut(value, ';', &type, &text) &&
		  buf_add(&options->original, type) &&
		  buf_add_char(&options->original, ';');
	struct buf address;

	buf_init(&address, LIMIT_ORIGINAL_RECIPIENT);
	if (ok && slice_eq_nocase(type, S("utf-8")))
		ok = xtext_decode_utf8(text, &address);
	else
		ok = ok && xtext_decode(text, &address);
	ok = ok && buf_add(&options->original, buf_slice(&address));
	buf_free(&address);
	options->rcpt.original = buf_slice(&options->original);
	if (!ok || !rcpt_options_are_valid(&options->rcpt))
		return why_set(why,
		    "ORCPT= takes a type, a semicolon and an address as xtext");
	return true;
}

const struct parameter rcpt_parameters[] = {
	{ SLICE("NOTIFY"), true, set_notify, NULL },
	{ SLICE("ORCPT"), true, set_orcpt, NULL },
	{ SLICE(""), false, NULL, NULL },
};
