/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include "common/crc32c.h"

static void
known_values_of_rfc_3720(void **state)
{
	unsigned char zeros[32] = { 0 }, ones[32], rising[32];

	(void)state;
	for (unsigned int i = 0; i < 32; i++) {
		ones[i] = 0xff;
		rising[i] = (unsigned char)i;
	}
	assert_int_equal(crc32c(0, "", 0), 0);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283u);
	assert_int_equal(crc32c(0, zeros, 32), 0x8a9136aau);
	assert_int_equal(crc32c(0, ones, 32), 0x62a8ab43u);
	assert_int_equal(crc32c(0, rising, 32), 0x46dd794eu);
}

static void
pieces_give_what_the_whole_gives(void **state)
{
	const char text[] = "the quick brown fox jumps over the lazy dog";
	uint32_t whole = crc32c(0, text, sizeof(text)), crc;

	(void)state;
	for (size_t cut = 0; cut <= sizeof(text); cut++) {
		crc = crc32c(0, text, cut);
		crc = crc32c(crc, text + cut, sizeof(text) - cut);
		assert_int_equal(crc, whole);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values_of_rfc_3720),
		cmocka_unit_test(pieces_give_what_the_whole_gives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
