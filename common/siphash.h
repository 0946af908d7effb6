/* SPDX-License-Identifier: ISC */
/*
 * siphash - SipHash-2-4 (Aumasson and Bernstein, 2012): a short keyed hash,
 * so that nobody outside can choose what falls together in a table.
 */
#ifndef COMMON_SIPHASH_H
#define COMMON_SIPHASH_H

#include <stdint.h>

#include "common/slice.h"

#define SIPHASH_KEY_SIZE 16

uint64_t siphash(const uint8_t key[SIPHASH_KEY_SIZE], struct slice bytes);

#endif
