/* SPDX-License-Identifier: ISC */
/*
 * spool_layout - offsets inside a queue file, for spool_write.c and
 * spool_read.c only. All numbers are little endian. Bytes that no row names
 * are zero, and a reader refuses them when they are not.
 */
#ifndef COMMON_SPOOL_LAYOUT_H
#define COMMON_SPOOL_LAYOUT_H

#include <stdint.h>

#define SPOOL_MAGIC "MERPATI1"
#define SPOOL_END_MAGIC "MERPEND1"
#define SPOOL_MAGIC_SIZE 8

enum {
	SPOOL_VERSION = 1,
	SPOOL_HEADER_SIZE = 64,
	SPOOL_SCHEDULE_OFFSET = 64,
	SPOOL_SLOTS_OFFSET = 128,
	SPOOL_SLOT_SIZE = 16,
	SPOOL_END_SIZE = 64,
	SPOOL_PAGE = 4096,
	SPOOL_CRC_AT = 60, /* last word of header, schedule and END */
	SPOOL_RECIPIENTS_MAX = 65536,

	/* header */
	HEADER_VERSION = 8,
	HEADER_FLAGS = 12,
	HEADER_CREATED = 16,
	HEADER_COUNT = 24,
	HEADER_ENVELOPE = 28,
	HEADER_BODY = 32,
	HEADER_ENVELOPE_CRC = 40, /* slots without status, then envelope */
	HEADER_USED = 44,

	/* scheduling slot */
	SCHEDULE_ATTEMPTS = 0,
	SCHEDULE_FLAGS = 4,
	SCHEDULE_NEXT = 8,

	/* recipient slot */
	SLOT_STATUS = 0,
	SLOT_KIND = 1,
	SLOT_OFFSET = 4,
	SLOT_LENGTH = 8,

	/* END record */
	END_BODY_LENGTH = 8,
	END_CRC = 16,
	END_USED = 20,

	RECORD_HEADER = 5, /* type byte, 32-bit length */
};

/* Envelope records, in this order; 'R' holds the lower case ones, in this
 * order. Those of the second lines are not there when they are empty. */
#define SPOOL_RECORDS "SLHP"
#define SPOOL_RECORDS_OPTIONAL "IO" /* envelope id, spool_options.h */
#define SPOOL_RECIPIENT_RECORDS "aogeu"
#define SPOOL_RECIPIENT_OPTIONAL "nr" /* notify, original (ORCPT) */

struct spool_schedule;
void spool_format_schedule(char slot[SPOOL_HEADER_SIZE],
    const struct spool_schedule *schedule);

static inline void
spool_put(char *at, uint64_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		at[i] = (char)(value >> (8 * i));
}

static inline uint64_t
spool_get(const char *at, unsigned int size)
{
	uint64_t value = 0;

	for (unsigned int i = size; i > 0; i--)
		value = value << 8 | (unsigned char)at[i - 1];
	return value;
}

#endif
