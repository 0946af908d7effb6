/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/crc32c.h"
#include "common/limits.h"
#include "common/proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4        "\x21\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\x10\1\0\x19"

/* As the reader does: never more than the parser asks for. *used says where
 * the header ended. */
static enum proxy_status
feed(struct slice input, size_t step, struct proxy_header *header, size_t *used)
{
	enum proxy_status status;
	struct why why = { 0 };
	size_t more;

	*used = 0;
	for (;;) {
		status =
		    proxy_parse(slice_first(input, *used), &more, header, &why);
		if (status == PROXY_BAD)
			assert_true(why.text[0] != '\0');
		if (status != PROXY_MORE || *used == input.len)
			return status;
		assert_true(more > 0);
		if (more > step)
			more = step;
		if (more > input.len - *used)
			more = input.len - *used;
		*used += more;
	}
}

static const char *
name(const struct proxy_header *header, char text[160])
{
	char source[NETADDR_TEXT_SIZE], destination[NETADDR_TEXT_SIZE];

	if (header->is_local)
		return "local";
	snprintf(text, 160, "%s %u %s %u",
	    netaddr_format(&header->source, source), header->source.port,
	    netaddr_format(&header->destination, destination),
	    header->destination.port);
	return text;
}

#define GOOD(header, name)                                                     \
	{                                                                      \
		SLICE(header), name                                            \
	}
static const struct {
	struct slice header;
	const char *name;
} good[] = {
	GOOD("PROXY TCP4 192.0.2.7 198.51.100.1 4097 25\r\n",
	    "192.0.2.7 4097 198.51.100.1 25"),
	GOOD("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
	    "255.255.255.255 65535 255.255.255.255 65535"),
	GOOD("PROXY TCP6 2001:db8::7 2001:db8::1 0 25\r\n",
	    "2001:db8::7 0 2001:db8::1 25"),
	GOOD("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.1 1 25\r\n",
	    "192.0.2.7 1 192.0.2.1 25"),
	GOOD("PROXY UNKNOWN\r\n", "local"),
	GOOD("PROXY UNKNOWN ffff:f...f:ffff 65535 whatever\r\n", "local"),
	GOOD(SIGNATURE V4, "192.0.2.7 4097 198.51.100.1 25"),
	GOOD(SIGNATURE "\x21\x21\0\x24"
		       "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"
		       "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0\x19",
	    "2001:db8::7 1 2001:db8::1 25"),
	GOOD(SIGNATURE "\x20\0\0\0", "local"),
	GOOD(SIGNATURE "\x20\x11\0\x0c............", "local"),
	GOOD(SIGNATURE "\x21\0\0\3...", "local"),
	/* TLVs: an authority, an empty one of a type nobody knows. */
	GOOD(SIGNATURE "\x21\x11\0\x16\xc0\0\2\7\xc6\x33\x64\1\x10\1\0\x19"
		       "\2\0\4host\xe0\0\0",
	    "192.0.2.7 4097 198.51.100.1 25"),
};

static void
headers_are_read_and_nothing_behind_them(void **state)
{
	static const struct slice behind = SLICE("\r\nEHLO x\r\nPROXY TCP4 ");
	struct proxy_header header;
	char bytes[256], text[160];
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct slice h = good[i].header;

		memcpy(bytes, h.ptr, h.len);
		memcpy(bytes + h.len, behind.ptr, behind.len);
		for (size_t step = 1; step < 100; step++) {
			assert_int_equal(
			    feed(slice_make(bytes, h.len + behind.len), step,
				&header, &used),
			    PROXY_DONE);
			assert_int_equal(used, h.len);
			assert_string_equal(name(&header, text), good[i].name);
		}
		/* Half a header is never enough. */
		for (size_t n = 0; n < h.len; n++)
			assert_int_equal(
			    feed(slice_first(h, n), 100, &header, &used),
			    PROXY_MORE);
	}
}

static void
anything_else_is_refused(void **state)
{
	static const struct slice bad[] = {
		SLICE("EHLO client.example.org\r\n"),
		SLICE("\x16\3\1\2\0\1\0\1\xfc\3\3"),
		SLICE("\r\n\r\nEHLO x\r\n"),
		SLICE("proxy TCP4 192.0.2.7 198.51.100.1 4097 25\r\n"),
		SLICE("PROXY TCP5 192.0.2.7 198.51.100.1 4097 25\r\n"),
		SLICE("PROXY  TCP4 192.0.2.7 198.51.100.1 4097 25\r\n"),
		SLICE("PROXY TCP4 192.0.2.7  198.51.100.1 4097 25\r\n"),
		SLICE("PROXY TCP4 192.0.2.7 198.51.100.1 4097 25 \r\n"),
		SLICE("PROXY TCP4 192.0.2.7 198.51.100.1 4097 25 1\r\n"),
		SLICE("PROXY TCP4 192.0.2.7 198.51.100.1 4097 025\r\n"),
		SLICE("PROXY TCP4 192.0.2.7 198.51.100.1 65536 25\r\n"),
		SLICE("PROXY TCP4 192.0.2.7 198.51.100.1 -1 25\r\n"),
		SLICE("PROXY TCP4 192.0.2.7 198.51.100.1 4097\r\n"),
		SLICE("PROXY TCP4 192.0.2.7 198.51.100.1 4097 25\n"),
		SLICE("PROXY TCP4 192.0.2.7 198.51.100.1 4097 25\r\r\n"),
		SLICE("PROXY TCP4 192.0.2.7 2001:db8::1 4097 25\r\n"),
		SLICE("PROXY TCP4 2001:db8::1 2001:db8::2 4097 25\r\n"),
		SLICE("PROXY TCP6 192.0.2.7 192.0.2.8 4097 25\r\n"),
		SLICE("PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 25\r\n"),
		SLICE("PROXY TCP4 192.0.2.07 198.51.100.1 4097 25\r\n"),
		SLICE("PROXY TCP4 host.example 198.51.100.1 4097 25\r\n"),
		SLICE("PROXY TCP4 192.0.2.7\0 198.51.100.1 4097 25\r\n"),
		SLICE("PROXY \r\nPROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n"),
		/* version 1 in the nibble, an unknown command */
		SLICE(SIGNATURE "\x11\x11\0\x0c............"),
		SLICE(SIGNATURE "\x22\x11\0\x0c............"),
		/* datagrams, unix sockets, a family that is none */
		SLICE(SIGNATURE "\x21\x12\0\x0c............"),
		SLICE(SIGNATURE "\x21\x31\0\x0c............"),
		SLICE(SIGNATURE "\x21\x41\0\x0c............"),
		/* short addresses */
		SLICE(SIGNATURE "\x21\x11\0\x0b..........."),
		SLICE(SIGNATURE "\x21\x21\0\x0c............"),
		/* TLVs that do not fill the header */
		SLICE(SIGNATURE "\x21\x11\0\x0e............\2\0"),
		SLICE(SIGNATURE "\x21\x11\0\x0f............\2\0\1"),
		/* a wrong sum, and one of three bytes */
		SLICE(SIGNATURE "\x21\x11\0\x13............\3\0\4\1\2\3\4"),
		SLICE(SIGNATURE "\x21\x11\0\x12............\3\0\3\1\2\3"),
		/* longer than any */
		SLICE(SIGNATURE "\x21\x11\xff\xff"),
	};
	struct proxy_header header;
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (size_t step = 1; step < 100; step += 7)
			if (feed(bad[i], step, &header, &used) != PROXY_BAD)
				fail_msg("case %zu was taken", i);
}

static void
a_line_has_107_bytes_at_most(void **state)
{
	char line[LIMIT_PROXY_LINE + 2];
	struct proxy_header header;
	size_t used;

	(void)state;
	for (size_t n = LIMIT_PROXY_LINE - 1; n <= LIMIT_PROXY_LINE + 1; n++) {
		memset(line, 'x', sizeof(line));
		memcpy(line, "PROXY UNKNOWN ", 14);
		memcpy(line + n - 2, "\r\n", 2);
		assert_int_equal(feed(slice_make(line, n), 1, &header, &used),
		    n <= LIMIT_PROXY_LINE ? PROXY_DONE : PROXY_BAD);
	}
}

static void
a_binary_header_has_its_limit(void **state)
{
	static char bytes[LIMIT_PROXY_HEADER + 1];
	struct proxy_header header;
	size_t used;

	(void)state;
	memcpy(bytes, SIGNATURE "\x20\0", 14);
	for (size_t n = LIMIT_PROXY_HEADER - 1; n <= LIMIT_PROXY_HEADER + 1;
	     n++) {
		bytes[14] = (char)((n - 16) >> 8);
		bytes[15] = (char)((n - 16) & 255);
		assert_int_equal(
		    feed(slice_make(bytes, n), 1000, &header, &used),
		    n <= LIMIT_PROXY_HEADER ? PROXY_DONE : PROXY_BAD);
	}
}

static void
a_right_sum_is_taken(void **state)
{
	char bytes[] =
	    SIGNATURE "\x21\x11\0\x16\xc0\0\2\7\xc6\x33\x64\1\x10\1\0\x19"
		      "\3\0\4\0\0\0\0\4\0\0";
	size_t len = sizeof(bytes) - 1;
	uint32_t sum = crc32c(0, bytes, len);
	struct proxy_header header;
	size_t used;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		bytes[31 + i] = (char)(sum >> (24 - 8 * i));
	assert_int_equal(
	    feed(slice_make(bytes, len), 9, &header, &used), PROXY_DONE);
	bytes[17] ^= 1;
	assert_int_equal(
	    feed(slice_make(bytes, len), 9, &header, &used), PROXY_BAD);
}

static void
facts_of_an_owned_reader_are_not_believed(void **state)
{
	struct proxy_facts facts = { .magic = PROXY_FACTS_MAGIC,
		.source = { .family = 4 },
		.destination = { .family = 4 } };

	(void)state;
	assert_true(proxy_facts_are_sane(&facts));
	facts.is_local = 2;
	assert_false(proxy_facts_are_sane(&facts));
	facts.is_local = 0;
	facts.destination.family = 6;
	assert_false(proxy_facts_are_sane(&facts));
	facts.source.family = 6;
	assert_true(proxy_facts_are_sane(&facts));
	facts.source.family = facts.destination.family = 9;
	assert_false(proxy_facts_are_sane(&facts));
	facts.source.family = facts.destination.family = 4;
	facts.source.bytes[15] = 1;
	assert_false(proxy_facts_are_sane(&facts));
	facts.source.bytes[15] = 0;
	facts.magic++;
	assert_false(proxy_facts_are_sane(&facts));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_read_and_nothing_behind_them),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(a_line_has_107_bytes_at_most),
		cmocka_unit_test(a_binary_header_has_its_limit),
		cmocka_unit_test(a_right_sum_is_taken),
		cmocka_unit_test(facts_of_an_owned_reader_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
