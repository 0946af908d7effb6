/* SPDX-License-Identifier: ISC */
/*
 * sha256 - SHA-256 (FIPS 180-4), HMAC (RFC 2104) and PBKDF2 (RFC 8018).
 *
 * Its own, so that auth stays a fork of the super-server without OpenSSL in
 * either. Time depends on lengths alone, never on the bytes. There are no
 * failures.
 */
#ifndef COMMON_SHA256_H
#define COMMON_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice.h"

#define SHA256_SIZE  32
#define SHA256_BLOCK 64

struct sha256 {
	uint32_t state[8];
	uint64_t length; /* bytes so far */
	uint8_t block[SHA256_BLOCK];
};

void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, struct slice bytes);
void sha256_end(struct sha256 *hash, uint8_t out[SHA256_SIZE]);
void sha256_of(struct slice bytes, uint8_t out[SHA256_SIZE]);

/* A key that is used many times costs its two blocks once. */
struct hmac {
	struct sha256 inner, outer;
};

void hmac_begin(struct hmac *hmac, struct slice key);
void hmac_add(struct hmac *hmac, struct slice bytes);
void hmac_end(struct hmac *hmac, uint8_t out[SHA256_SIZE]);
void hmac_of(struct slice key, struct slice bytes, uint8_t out[SHA256_SIZE]);

/* The first block of PBKDF2: Hi() of RFC 5802 section 2.2. */
void pbkdf2(struct slice password, struct slice salt, uint32_t iterations,
    uint8_t out[SHA256_SIZE]);

/* In a time that depends on size alone. */
bool bytes_equal(const uint8_t *a, const uint8_t *b, size_t size);

#endif
