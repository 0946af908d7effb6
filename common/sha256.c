/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/sha256.h"

#include <string.h>

/* FIPS 180-4 section 4.2.2. */
static const uint32_t sha256_constants[64] = { 0x428a2f98, 0x71374491,
	0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
	0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d,
	0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb,
	0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
	0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb,
	0xbef9a3f7, 0xc67178f2 };

static uint32_t
rotate(uint32_t value, unsigned int bits)
{
	return value >> bits | value << (32 - bits);
}

/* Section 6.2.2, step 1: the message schedule. */
static void
schedule(const uint8_t block[SHA256_BLOCK], uint32_t words[64])
{
	for (size_t i = 0; i < 16; i++)
		words[i] = (uint32_t)block[4 * i] << 24 |
			   (uint32_t)block[4 * i + 1] << 16 |
			   (uint32_t)block[4 * i + 2] << 8 |
			   (uint32_t)block[4 * i + 3];
	for (size_t i = 16; i < 64; i++) {
		uint32_t a = words[i - 15], b = words[i - 2];

		words[i] = words[i - 16] + words[i - 7] +
			   (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
			   (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
}

/* Step 3 of one round. Instead of moving a to h, round t finds each of them
 * t places further back. */
static inline void
turn(uint32_t s[8], unsigned int t, uint32_t word)
{
	uint32_t a = s[-t & 7], b = s[(1 - t) & 7], c = s[(2 - t) & 7];
	uint32_t e = s[(4 - t) & 7], f = s[(5 - t) & 7], g = s[(6 - t) & 7];
	uint32_t *h = &s[(7 - t) & 7];

	*h += (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
	      (g ^ (e & (f ^ g))) + word;
	s[(3 - t) & 7] += *h;
	*h += (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
	      ((a & b) | (c & (a | b)));
}

static void
compress(uint32_t state[8], const uint8_t block[SHA256_BLOCK])
{
	uint32_t words[64], s[8];

	schedule(block, words);
	memcpy(s, state, sizeof(s));
	for (size_t i = 0; i < 64; i++)
		words[i] += sha256_constants[i];
	for (size_t i = 0; i < 64; i += 8) {
		turn(s, 0, words[i]);
		turn(s, 1, words[i + 1]);
		turn(s, 2, words[i + 2]);
		turn(s, 3, words[i + 3]);
		turn(s, 4, words[i + 4]);
		turn(s, 5, words[i + 5]);
		turn(s, 6, words[i + 6]);
		turn(s, 7, words[i + 7]);
	}
	for (size_t i = 0; i < 8; i++)
		state[i] += s[i];
}

void
sha256_begin(struct sha256 *hash)
{
	/* Section 5.3.3. */
	static const uint32_t start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372,
		0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

	memcpy(hash->state, start, sizeof(start));
	hash->length = 0;
}

void
sha256_add(struct sha256 *hash, struct slice bytes)
{
	size_t used, n;

	while (bytes.len > 0) {
		used = hash->length % SHA256_BLOCK;
		n = SHA256_BLOCK - used;
		if (n > bytes.len)
			n = bytes.len;
		memcpy(hash->block + used, bytes.ptr, n);
		hash->length += n;
		if (used + n == SHA256_BLOCK)
			compress(hash->state, hash->block);
		bytes = slice_from(bytes, n);
	}
}

/* Section 5.1.1: a one bit, zeros, and the length in bits. */
void
sha256_end(struct sha256 *hash, uint8_t out[SHA256_SIZE])
{
	uint64_t bits = hash->length * 8;
	size_t used = hash->length % SHA256_BLOCK;

	hash->block[used++] = 0x80;
	if (used > SHA256_BLOCK - 8) {
		memset(hash->block + used, 0, SHA256_BLOCK - used);
		compress(hash->state, hash->block);
		used = 0;
	}
	memset(hash->block + used, 0, SHA256_BLOCK - 8 - used);
	for (size_t i = 0; i < 8; i++)
		hash->block[SHA256_BLOCK - 8 + i] =
		    (uint8_t)(bits >> (56 - 8 * i));
	compress(hash->state, hash->block);
	for (size_t i = 0; i < SHA256_SIZE; i++)
		out[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}

void
sha256_of(struct slice bytes, uint8_t out[SHA256_SIZE])
{
	struct sha256 hash;

	sha256_begin(&hash);
	sha256_add(&hash, bytes);
	sha256_end(&hash, out);
	explicit_bzero(&hash, sizeof(hash));
}

void
hmac_begin(struct hmac *hmac, struct slice key)
{
	uint8_t pad[SHA256_BLOCK] = { 0 };

	if (key.len > SHA256_BLOCK)
		sha256_of(key, pad);
	else if (key.len > 0)
		memcpy(pad, key.ptr, key.len);
	for (size_t i = 0; i < SHA256_BLOCK; i++)
		pad[i] ^= 0x36;
	sha256_begin(&hmac->inner);
	sha256_add(&hmac->inner, slice_make(pad, sizeof(pad)));
	for (size_t i = 0; i < SHA256_BLOCK; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	sha256_begin(&hmac->outer);
	sha256_add(&hmac->outer, slice_make(pad, sizeof(pad)));
	explicit_bzero(pad, sizeof(pad));
}

void
hmac_add(struct hmac *hmac, struct slice bytes)
{
	sha256_add(&hmac->inner, bytes);
}

void
hmac_end(struct hmac *hmac, uint8_t out[SHA256_SIZE])
{
	sha256_end(&hmac->inner, out);
	sha256_add(&hmac->outer, slice_make(out, SHA256_SIZE));
	sha256_end(&hmac->outer, out);
}

void
hmac_of(struct slice key, struct slice bytes, uint8_t out[SHA256_SIZE])
{
	struct hmac hmac;

	hmac_begin(&hmac, key);
	hmac_add(&hmac, bytes);
	hmac_end(&hmac, out);
	explicit_bzero(&hmac, sizeof(hmac));
}

void
pbkdf2(struct slice password, struct slice salt, uint32_t iterations,
    uint8_t out[SHA256_SIZE])
{
	uint8_t previous[SHA256_SIZE];
	struct hmac keyed, hmac;

	hmac_begin(&keyed, password);
	hmac = keyed;
	hmac_add(&hmac, salt);
	hmac_add(&hmac, slice_make("\0\0\0\1", 4));
	hmac_end(&hmac, previous);
	memcpy(out, previous, SHA256_SIZE);
	for (uint32_t i = 1; i < iterations; i++) {
		hmac = keyed;
		hmac_add(&hmac, slice_make(previous, SHA256_SIZE));
		hmac_end(&hmac, previous);
		for (size_t j = 0; j < SHA256_SIZE; j++)
			out[j] ^= previous[j];
	}
	explicit_bzero(&keyed, sizeof(keyed));
	explicit_bzero(&hmac, sizeof(hmac));
	explicit_bzero(previous, sizeof(previous));
}

bool
bytes_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
	unsigned int difference = 0;

	for (size_t i = 0; i < size; i++)
		difference |= (unsigned int)(a[i] ^ b[i]);
	return difference == 0;
}
