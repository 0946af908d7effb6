/* SPDX-License-Identifier: ISC */
/*
 * state_file - memory that processes share: a hash table of fixed size in
 * one file. Losing it loses no mail.
 *
 *     0    64  magic "MPSTATE1", slots, key of the hash, CRC32C
 *    64 n*64   records: hash, first, last, expires, count, other, CRC32C
 *
 * A key's record is one of the STATE_WINDOW in its window. A window is
 * locked (fcntl) while its record is changed, and a change is one pwrite of
 * one record: a process that is killed leaves the old record or the new one,
 * and no lock. A record whose CRC is wrong is a free one; a file whose
 * header is wrong is made anew. A full window gives up the record that was
 * used longest ago. Nothing is synced.
 *
 * Times are wall seconds, given by the caller. Every failure is "not known":
 * the caller goes on without a memory.
 */
#ifndef COMMON_STATE_FILE_H
#define COMMON_STATE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/result.h"
#include "common/slice.h"

#define STATE_WINDOW      16
#define STATE_RECORD_SIZE 64
#define STATE_SLOTS_MAX   (1u << 20)

struct state_record {
	uint64_t hash;
	uint64_t first, last; /* when; both now in a new record */
	uint64_t expires;     /* from then on it is as if it was not there */
	uint32_t count;       /* 0 in a new record */
	uint32_t other;
};

struct state_file;

/* slots: a multiple of STATE_WINDOW; an old file of another size is made
 * anew. NULL and why when it cannot be opened. */
struct state_file *
state_open(const char *path, uint32_t slots, struct why *why);
void state_close(struct state_file **state);

/* Find the key's record, or a new one, and keep its window locked until one
 * of the next two. False: not now; then neither is called. */
bool state_take(struct state_file *state, struct slice key, uint64_t now,
    struct state_record *record);
void state_put(struct state_file *state, const struct state_record *record);
void state_leave(struct state_file *state);
/* Look without a change; false: there is none. */
bool state_find(struct state_file *state, struct slice key, uint64_t now,
    struct state_record *record);

/* The pure part: a window as bytes. Index of the record of hash that is
 * still valid, or STATE_WINDOW. *free: where a new one goes. */
size_t state_window_find(
    struct slice window, uint64_t hash, uint64_t now, size_t *free);
bool state_record_parse(struct slice bytes, struct state_record *record);
void state_record_format(
    char bytes[STATE_RECORD_SIZE], const struct state_record *record);

#endif
