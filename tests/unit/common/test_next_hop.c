/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/next_hop.h"

#include "tests/unit/unit.h"

/* kind, "lmtp" or "", name, port, sources; NULL: it is none. */
static const struct {
	const char *text, *expected;
} samples[] = {
	{ "mx.test", "host mx.test 0 unknown unknown" },
	{ "mx.test:587", "host mx.test 587 unknown unknown" },
	{ "mx.test:65535", "host mx.test 65535 unknown unknown" },
	{ "mx.test:65536", NULL },
	{ "mx.test:0", NULL },
	{ "mx.test:x", NULL },
	{ "[mx.test]:26", "host mx.test 26 unknown unknown" },
	{ "[192.0.2.1]", "host 192.0.2.1 0 unknown unknown" },
	{ "[IPv6:2001:db8::1]:26", "host IPv6:2001:db8::1 26 unknown unknown" },
	{ "[mx.test", NULL },
	{ "[mx.test]x", NULL },
	{ "[]", NULL },
	{ "", NULL },
	{ ":25", NULL },
	{ "lmtp:store.test", "host lmtp store.test 0 unknown unknown" },
	{ "LMTP:[::1]:2424", "host lmtp ::1 2424 unknown unknown" },
	{ "lmtp:24", "host lmtp 24 unknown unknown" },
	{ "lmtp:", NULL },
	{ "lmtp:unix:/run/dovecot/lmtp",
	    "socket lmtp /run/dovecot/lmtp 0 unknown unknown" },
	{ "lmtp:unix:run/lmtp", NULL },
	{ "unix:/run/lmtp", NULL },
	{ "mx:", "mx  0 unknown unknown" },
	{ "mx:other.test", "mx other.test 0 unknown unknown" },
	{ "mx:other.test:26", "mx other.test 26 unknown unknown" },
	{ "mx:25", "host mx 25 unknown unknown" },
	{ "srv:example.net", "service example.net 0 unknown unknown" },
	{ "srv:example.net:25", NULL },
	{ "srv:", NULL },
	{ "mx: bind=192.0.2.1", "mx  0 192.0.2.1 unknown" },
	{ "mx: bind=192.0.2.1,2001:db8::1", "mx  0 192.0.2.1 2001:db8::1" },
	{ "mx:\tbind=2001:db8::1  bind=192.0.2.1",
	    "mx  0 192.0.2.1 2001:db8::1" },
	{ "mx: bind=192.0.2.1,192.0.2.2", NULL },
	{ "mx: bind=", NULL },
	{ "mx: bind=x", NULL },
	{ "mx: bound=192.0.2.1", NULL },
};

static void
next_hops_are_read(void **state)
{
	static const char *const kinds[] = { "host", "mx", "service",
		"socket" };
	char four[NETADDR_TEXT_SIZE], six[NETADDR_TEXT_SIZE];
	struct next_hop hop;
	struct why why;
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		print_message("%s\n", samples[i].text);
		memset(&why, 0, sizeof(why));
		if (samples[i].expected == NULL) {
			assert_false(next_hop_parse(
			    slice_of(samples[i].text), &hop, &why));
			assert_string_not_equal(why.text, "");
			continue;
		}
		assert_true(
		    next_hop_parse(slice_of(samples[i].text), &hop, &why));
		buf_clear(&out);
		buf_add_format(&out, "%s %s%s %u %s %s", kinds[hop.kind],
		    hop.is_lmtp ? "lmtp " : "", hop.name,
		    (unsigned int)hop.port, netaddr_format(&hop.bind4, four),
		    netaddr_format(&hop.bind6, six));
		assert_string_equal(buf_string(&out), samples[i].expected);
	}
	buf_free(&out);
}

/* The longest name and the longest path, and one more. */
static void
names_have_limits(void **state)
{
	char text[512];
	struct next_hop hop;

	(void)state;
	for (size_t n = LIMIT_SMTP_DOMAIN - 1; n <= LIMIT_SMTP_DOMAIN + 1;
	     n++) {
		memset(text, 'a', n);
		assert_int_equal(
		    next_hop_parse(slice_make(text, n), &hop, NULL),
		    n <= LIMIT_SMTP_DOMAIN);
	}
	for (size_t n = LIMIT_FILTER_SOCKET_PATH - 1;
	     n <= LIMIT_FILTER_SOCKET_PATH + 1; n++) {
		snprintf(text, sizeof(text), "lmtp:unix:/%0*d", (int)n - 1, 1);
		assert_int_equal(next_hop_parse(slice_of(text), &hop, NULL),
		    n <= LIMIT_FILTER_SOCKET_PATH);
	}
}

static void
the_key_is_the_first_word(void **state)
{
	(void)state;
	assert_slice_equal(next_hop_key(S(" smtp.test:587 bind=192.0.2.1")),
	    S("smtp.test:587"));
	assert_slice_equal(next_hop_key(S("")), S(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next_hops_are_read),
		cmocka_unit_test(names_have_limits),
		cmocka_unit_test(the_key_is_the_first_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
