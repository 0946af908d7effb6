/* SPDX-License-Identifier: ISC */
/*
 * crc32c - the Castagnoli CRC (RFC 3720 appendix B.4), to notice damage.
 */
#ifndef COMMON_CRC32C_H
#define COMMON_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Start with crc 0; feed pieces in order. "123456789" gives 0xE3069283. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
