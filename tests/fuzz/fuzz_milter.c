/* SPDX-License-Identifier: ISC */
/*
 * fuzz_milter - a hostile milter. The first byte chooses how the input is
 * split and what is said; whatever is answered, edits come only at the end
 * of the message and with the right to, a refusal has a code of its kind,
 * and nothing is said to a filter that was bad.
 */
#include "config.h"

#include "common/result.h"

#include "smtpd/milter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct play {
	struct milter milter;
	struct milter_said said;
	struct buf out;
	struct slice input;
	size_t piece;
};

static const struct milter_macro macros[] = {
	{ SLICE("i"), SLICE("ID") },
	{ { NULL, 0 }, { NULL, 0 } },
};

static void
check(const struct play *p, enum milter_answer answer)
{
	if (answer == MILTER_EDIT || answer == MILTER_HOLD) {
		BUG_UNLESS(p->milter.stage == MILTER_END);
		BUG_UNLESS(p->milter.actions != 0);
	}
	if (answer == MILTER_REFUSE || answer == MILTER_CLOSE)
		BUG_UNLESS(p->said.code >= 400 && p->said.code <= 599);
	for (const char *c = p->said.text; *c != '\0'; c++)
		BUG_UNLESS(ascii_is_print(*c));
}

/* Until the answer is there; false: no more input, or bad. */
static bool
hear(struct play *p)
{
	enum milter_answer answer;
	struct slice part;

	while (p->milter.is_waiting) {
		part = slice_first(p->input, p->piece);
		if (part.len == 0)
			return false;
		p->input = slice_from(p->input, part.len);
		do {
			answer = milter_answer(&p->milter, &part, &p->said);
			check(p, answer);
		} while (answer != MILTER_BAD && p->milter.is_waiting &&
			 (part.len > 0 || answer != MILTER_MORE));
		if (answer == MILTER_BAD)
			return false;
	}
	return true;
}

static bool
say_message(struct play *p)
{
	struct milter *m = &p->milter;

	milter_mail(m, S("a@b.test"), S("SIZE=1"), &p->out);
	if (!hear(p))
		return false;
	milter_rcpt(m, S("c@d.test"), &p->out);
	if (!hear(p))
		return false;
	milter_data(m, &p->out);
	if (!hear(p))
		return false;
	milter_header(m, S("A"), S(" b\r\n\tc"), &p->out);
	if (!hear(p))
		return false;
	milter_end_of_header(m, &p->out);
	if (!hear(p))
		return false;
	milter_body(m, S("body\r\n"), &p->out);
	if (!hear(p))
		return false;
	milter_end(m, &p->out);
	return hear(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int choice = size > 0 ? data[0] : 0;
	struct play p = { .piece = (choice & 1) ? 1 : 4096 };
	struct netaddr peer = { .family = (choice & 2) ? 4 : 0 };
	size_t length;

	p.input = slice_from(slice_make(data, size), 1);
	milter_init(&p.milter, macros);
	buf_init(&p.out, 1 << 20);
	milter_negotiate(&p.milter, (choice & 4) ? 2 : 6, &p.out);
	if (hear(&p)) {
		milter_connect(&p.milter, S("x.test"), &peer, &p.out);
		if (hear(&p))
			milter_helo(&p.milter, S("x"), &p.out);
		for (int i = 0; i < 4 && hear(&p) && say_message(&p); i++)
			continue;
	}
	BUG_UNLESS(!p.out.failed);
	if (p.milter.is_bad) {
		length = p.out.len;
		milter_abort(&p.milter, &p.out);
		milter_quit(&p.milter, &p.out);
		BUG_UNLESS(p.out.len == length);
	}
	milter_clear(&p.milter);
	buf_free(&p.out);
	return 0;
}
