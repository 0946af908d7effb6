/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/auth.h"

#include <crypt.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/alloc.h"
#include "common/scram.h"

/* Scheme names in front of a hash, as other servers write them. Those that
 * only name a crypt(3) method are skipped: the hash says it again. */
static const struct {
	struct slice prefix;
	bool is_plain;
} password_schemes[] = {
	{ SLICE("{PLAIN}"), true },
	{ SLICE("{CRYPT}"), false },
	{ SLICE("{SHA512-CRYPT}"), false },
	{ SLICE("{SHA256-CRYPT}"), false },
	{ SLICE("{BLF-CRYPT}"), false },
};

/* Longest hash that crypt(3) makes. */
#define PASSWORD_HASH_SIZE 384

#define PASSWORD_SCHEMES                                                       \
	(sizeof(password_schemes) / sizeof(password_schemes[0]))

/* Time depends on the length of expected alone. */
static bool
password_equals(const char *given, const char *expected)
{
	size_t given_size = strlen(given) + 1;
	size_t size = strlen(expected) + 1;
	unsigned int difference = given_size != size;

	for (size_t i = 0; i < size; i++)
		difference |=
		    (unsigned int)(given[i % given_size] ^ expected[i]);
	return difference == 0;
}

/* An empty, locked ("!", "*") or unknown hash matches nothing. */
static bool
password_crypt(
    const char *password, const char *setting, char *out, size_t size)
{
	struct crypt_data *memory = alloc_zero(1, sizeof(*memory));
	const char *hash = NULL;
	bool ok;

	if (setting[0] != '\0' && setting[0] != '*' && setting[0] != '!')
		hash = crypt_r(password, setting, memory);
	ok = hash != NULL && hash[0] != '*' && strlen(hash) < size;
	if (ok)
		snprintf(out, size, "%s", hash);
	explicit_bzero(memory, sizeof(*memory));
	alloc_release(memory);
	return ok;
}

bool
password_matches(const char *password, const char *hash)
{
	struct slice whole = slice_of(hash);
	char computed[PASSWORD_HASH_SIZE];
	struct scram_keys keys;

	if (scram_is_keys(whole))
		return scram_keys_parse(whole, &keys) &&
		       scram_password_matches(slice_of(password), &keys);
	for (size_t i = 0; i < PASSWORD_SCHEMES; i++) {
		struct slice prefix = password_schemes[i].prefix;

		if (!slice_starts_nocase(whole, prefix))
			continue;
		hash += prefix.len;
		if (password_schemes[i].is_plain)
			return hash[0] != '\0' &&
			       password_equals(password, hash);
		break;
	}
	if (!password_crypt(password, hash, computed, sizeof(computed)))
		return false;
	return password_equals(computed, hash);
}

bool
password_can_check(const char *hash)
{
	char computed[PASSWORD_HASH_SIZE];

	return password_crypt("x", hash, computed, sizeof(computed));
}

static bool
password_hash_yescrypt(const char *password, char *hash, size_t size)
{
#ifdef HAVE_CRYPT_GENSALT_RA
	char *setting = crypt_gensalt_ra("$y$", 0, NULL, 0);
	bool ok =
	    setting != NULL && password_crypt(password, setting, hash, size);

	alloc_release(setting);
	return ok;
#else
	(void)password;
	(void)hash;
	(void)size;
	return false;
#endif
}

static bool
password_hash_sha512(const char *password, char *hash, size_t size)
{
	static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz";
	char setting[] = "$6$0123456789abcdef$";
	unsigned char random[16];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	for (size_t i = 0; i < sizeof(random); i++)
		setting[3 + i] = digits[random[i] & 63];
	return password_crypt(password, setting, hash, size);
}

static bool
password_hash_scram(const char *password, char *hash, size_t size)
{
	char text[SCRAM_KEYS_SIZE];
	struct scram_keys keys;

	if (!scram_salt_make(&keys.salt))
		return false;
	scram_keys_make(slice_of(password), &keys);
	return scram_keys_format(&keys, text) &&
	       slice_to_array(slice_of(text), hash, size);
}

/* What crypt(3) made it must also take back: the proof comes first. */
bool
password_hash(
    const char *password, enum password_scheme scheme, char *hash, size_t size)
{
	if (scheme == PASSWORD_SCRAM)
		return password_hash_scram(password, hash, size);
	if (password_hash_yescrypt(password, hash, size) &&
	    password_matches(password, hash))
		return true;
	return password_hash_sha512(password, hash, size) &&
	       password_matches(password, hash);
}
