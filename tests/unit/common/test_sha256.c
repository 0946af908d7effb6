/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/sha256.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static const char *
hex(const uint8_t bytes[SHA256_SIZE], char text[2 * SHA256_SIZE + 1])
{
	for (size_t i = 0; i < SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

/* FIPS 180-4's examples (NIST, Example Values). */
static void
digests_are_those_of_fips_180(void **state)
{
	static const struct {
		const char *text, *digest;
	} cases[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb924"
		      "27ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223"
			 "b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		    "248d6a61d20638b8e5c026930c3e6039"
		    "a33ce45964ff2167f6ecedd419db06c1" },
	};
	uint8_t digest[SHA256_SIZE];
	char text[2 * SHA256_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sha256_of(slice_of(cases[i].text), digest);
		assert_string_equal(hex(digest, text), cases[i].digest);
	}
}

/* Every length around a block, in pieces of every size. */
static void
pieces_make_the_same_digest(void **state)
{
	uint8_t whole[SHA256_SIZE], pieces[SHA256_SIZE];
	struct sha256 hash;
	char bytes[130];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	for (size_t len = 50; len <= sizeof(bytes); len++) {
		sha256_of(slice_make(bytes, len), whole);
		for (size_t step = 1; step < 70; step += 9) {
			sha256_begin(&hash);
			for (size_t i = 0; i < len; i += step)
				sha256_add(&hash,
				    slice_first(
					slice_from(slice_make(bytes, len), i),
					step));
			sha256_end(&hash, pieces);
			assert_memory_equal(whole, pieces, SHA256_SIZE);
		}
	}
}

/* RFC 4231 sections 4.3 and 4.7. */
static void
hmac_is_that_of_rfc_4231(void **state)
{
	uint8_t digest[SHA256_SIZE];
	char text[2 * SHA256_SIZE + 1], key[131];

	(void)state;
	hmac_of(S("Jefe"), S("what do ya want for nothing?"), digest);
	assert_string_equal(hex(digest, text),
	    "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hmac_of(slice_make(key, sizeof(key)),
	    S("Test Using Larger Than Block-Size Key - Hash Key First"),
	    digest);
	assert_string_equal(hex(digest, text),
	    "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54");
}

/* RFC 7914 section 11 (its first 32 bytes), and a second iteration. */
static void
pbkdf2_is_that_of_rfc_7914(void **state)
{
	uint8_t digest[SHA256_SIZE];
	char text[2 * SHA256_SIZE + 1];

	(void)state;
	pbkdf2(S("passwd"), S("salt"), 1, digest);
	assert_string_equal(hex(digest, text),
	    "55ac046e56e3089fec1691c22544b605"
	    "f94185216dde0465e68b9d57c20dacbc");
	pbkdf2(S("Password"), S("NaCl"), 80000, digest);
	assert_string_equal(hex(digest, text),
	    "4ddcd8f60b98be21830cee5ef22701f9"
	    "641a4418d04c0414aeff08876b34ab56");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_of_fips_180),
		cmocka_unit_test(pieces_make_the_same_digest),
		cmocka_unit_test(hmac_is_that_of_rfc_4231),
		cmocka_unit_test(pbkdf2_is_that_of_rfc_7914),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
