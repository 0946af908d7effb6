/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/siphash.h"

struct siphash_state {
	uint64_t v[4];
};

static uint64_t
rotate(uint64_t value, unsigned int bits)
{
	return value << bits | value >> (64 - bits);
}

static void
siphash_round(struct siphash_state *s)
{
	uint64_t *v = s->v;

	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

static uint64_t
load(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value |= (uint64_t)p[i] << (8 * i);
	return value;
}

static void
add_word(struct siphash_state *s, uint64_t word)
{
	s->v[3] ^= word;
	siphash_round(s);
	siphash_round(s);
	s->v[0] ^= word;
}

uint64_t
siphash(const uint8_t key[SIPHASH_KEY_SIZE], struct slice bytes)
{
	uint64_t k0 = load(key, 8), k1 = load(key + 8, 8);
	struct siphash_state s = { { k0 ^ 0x736f6d6570736575ULL,
	    k1 ^ 0x646f72616e646f6dULL, k0 ^ 0x6c7967656e657261ULL,
	    k1 ^ 0x7465646279746573ULL } };
	uint64_t last = (uint64_t)bytes.len << 56;
	size_t whole = bytes.len / 8 * 8;

	for (size_t i = 0; i < whole; i += 8)
		add_word(&s, load(bytes.ptr + i, 8));
	if (bytes.len > whole)
		last |= load(bytes.ptr + whole, bytes.len - whole);
	add_word(&s, last);
	s.v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		siphash_round(&s);
	return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}
