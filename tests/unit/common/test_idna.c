/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <string.h>

#include "common/idna.h"
#include "common/limits.h"

/* The labels are samples of RFC 3492 section 7.1 in lower case, and names
 * that are in DNS. */
static void
u_labels_become_a_labels(void **state)
{
	static const struct {
		const char *domain, *ascii; /* NULL: refused */
	} cases[] = {
		{ "plain.Example", "plain.Example" },
		{ "b\xc3\xbc"
		  "cher.example",
		    "xn--bcher-kva.example" },
		{ "B\xc3\xbc"
		  "cher.example",
		    "xn--bcher-kva.example" },
		{ "m\xc3\xbcnchen.\xc3\xb6sterreich.test",
		    "xn--mnchen-3ya.xn--sterreich-z7a.test" },
		{ "\xe4\xbe\x8b\xe5\xad\x90.test", "xn--fsqu00a.test" },
		{ "\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0.test",
		    "xn--80a1acny.test" },
		{ "\xe4\xbb\x96\xe4\xbb\xac\xe4\xb8\xba\xe4\xbb\x80\xe4\xb9\x88"
		  "\xe4\xb8\x8d\xe8\xaf\xb4\xe4\xb8\xad\xe6\x96\x87",
		    "xn--ihqwcrb4cv8a8dqg056pqjye" },
		{ "3\xe5\xb9\xb4"
		  "b\xe7\xb5\x84\xe9\x87\x91\xe5\x85\xab\xe5\x85\x88\xe7\x94"
		  "\x9f",
		    "xn--3b-ww4c5e180e575a65lsy2b" },
		{ "\xf0\x9f\x95\x8a.test", "xn--6w8h.test" },
		{ "\xc3.test", NULL },
		{ "\xc3\xa4..test", NULL },
		{ "", NULL },
	};
	struct buf out;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ok;

		buf_init(&out, 1024);
		ok = idna_to_ascii(slice_of(cases[i].domain), &out);
		assert_int_equal(ok, cases[i].ascii != NULL);
		if (ok)
			assert_string_equal(buf_string(&out), cases[i].ascii);
		buf_free(&out);
	}
}

/* "xn--" and the Punycode of n times U+00E4 have n + 8 bytes for these. */
static void
a_label_may_not_grow_too_long(void **state)
{
	static const char letter[] = "\xc3\xa4";
	char name[2 * LIMIT_SMTP_DOMAIN + 1] = "";
	size_t longest = 0;
	struct buf out;

	(void)state;
	for (size_t n = 1; n <= LIMIT_SMTP_DOMAIN / 2; n++) {
		bool ok;

		memcpy(name + 2 * (n - 1), letter, sizeof(letter));
		buf_init(&out, 1024);
		ok = idna_to_ascii(slice_of(name), &out);
		if (ok) {
			assert_true(out.len <= 63);
			assert_int_equal(longest, n - 1);
			longest = n;
		}
		buf_free(&out);
	}
	assert_true(longest > 40 && longest < 63);
}

static void
only_the_domain_of_an_address_changes(void **state)
{
	struct arena *arena = arena_new("test", 4096);
	struct address address = { S("\xc3\xa4"), S("\xc3\xa4.test") };

	(void)state;
	assert_true(idna_address(&address, arena));
	assert_slice_equal(address.local, S("\xc3\xa4"));
	assert_slice_equal(address.domain, S("xn--4ca.test"));
	address.domain = S("");
	assert_true(idna_address(&address, arena));
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(u_labels_become_a_labels),
		cmocka_unit_test(a_label_may_not_grow_too_long),
		cmocka_unit_test(only_the_domain_of_an_address_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
