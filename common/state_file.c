/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/crc32c.h"
#include "common/io.h"
#include "common/log.h"
#include "common/siphash.h"

#define MAGIC "MPSTATE1"

enum {
	HEADER_SIZE = 64,
	WINDOW_SIZE = STATE_WINDOW * STATE_RECORD_SIZE,
	CRC_AT = 60, /* of header and records */
	HEADER_SLOTS = 8,
	HEADER_KEY = 12,
	LOCK_MS = 1000, /* then it is somebody's fault: go on without */
};

struct state_file {
	int fd;
	uint32_t slots;
	uint8_t key[SIPHASH_KEY_SIZE];
	off_t window; /* the locked one */
	size_t index; /* in it */
};

static void
put(char *at, uint64_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		at[i] = (char)(value >> (8 * i));
}

static uint64_t
get(const char *at, unsigned int size)
{
	uint64_t value = 0;

	for (unsigned int i = size; i > 0; i--)
		value = value << 8 | (unsigned char)at[i - 1];
	return value;
}

static bool
crc_is_right(const char *block)
{
	return get(block + CRC_AT, 4) == crc32c(0, block, CRC_AT);
}

void
state_record_format(
    char bytes[STATE_RECORD_SIZE], const struct state_record *record)
{
	memset(bytes, 0, STATE_RECORD_SIZE);
	put(bytes, record->hash, 8);
	put(bytes + 8, record->first, 8);
	put(bytes + 16, record->last, 8);
	put(bytes + 24, record->expires, 8);
	put(bytes + 32, record->count, 4);
	put(bytes + 36, record->other, 4);
	put(bytes + CRC_AT, crc32c(0, bytes, CRC_AT), 4);
}

bool
state_record_parse(struct slice bytes, struct state_record *record)
{
	if (bytes.len != STATE_RECORD_SIZE || !crc_is_right(bytes.ptr))
		return false;
	record->hash = get(bytes.ptr, 8);
	record->first = get(bytes.ptr + 8, 8);
	record->last = get(bytes.ptr + 16, 8);
	record->expires = get(bytes.ptr + 24, 8);
	record->count = (uint32_t)get(bytes.ptr + 32, 4);
	record->other = (uint32_t)get(bytes.ptr + 36, 4);
	return true;
}

/* A time that lies ahead was written before the clock was set back. */
static bool
is_live(const struct state_record *record, uint64_t now)
{
	return record->expires > now && record->last <= now &&
	       record->first <= record->last;
}

size_t
state_window_find(
    struct slice window, uint64_t hash, uint64_t now, size_t *free)
{
	uint64_t oldest = UINT64_MAX;
	struct state_record record;

	*free = 0;
	for (size_t i = 0; i < STATE_WINDOW; i++) {
		struct slice bytes =
		    slice_first(slice_from(window, i * STATE_RECORD_SIZE),
			STATE_RECORD_SIZE);

		if (!state_record_parse(bytes, &record) ||
		    !is_live(&record, now)) {
			if (oldest > 0)
				*free = i;
			oldest = 0;
			continue;
		}
		if (record.hash == hash)
			return i;
		if (record.last < oldest) {
			oldest = record.last;
			*free = i;
		}
	}
	return STATE_WINDOW;
}

static bool
lock(int fd, short type, off_t start, off_t length)
{
	struct flock range = { .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = length };
	struct timespec pause = { .tv_nsec = 1000 * 1000 };
	int64_t end = io_now() + LOCK_MS;

	while (fcntl(fd, F_SETLK, &range) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return false;
		if (io_now() > end)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static bool
read_header(struct state_file *state)
{
	char header[HEADER_SIZE];
	struct stat status;

	if (fstat(state->fd, &status) < 0 ||
	    status.st_size !=
		HEADER_SIZE + (off_t)state->slots * STATE_RECORD_SIZE ||
	    pread(state->fd, header, sizeof(header), 0) !=
		(ssize_t)sizeof(header) ||
	    memcmp(header, MAGIC, sizeof(MAGIC) - 1) != 0 ||
	    !crc_is_right(header) ||
	    get(header + HEADER_SLOTS, 4) != state->slots)
		return false;
	memcpy(state->key, header + HEADER_KEY, sizeof(state->key));
	return true;
}

static bool
make_header(struct state_file *state, struct why *why)
{
	off_t size = HEADER_SIZE + (off_t)state->slots * STATE_RECORD_SIZE;
	char header[HEADER_SIZE] = MAGIC;

	if (getrandom(state->key, sizeof(state->key), 0) !=
	    (ssize_t)sizeof(state->key))
		return why_errno(why, "random numbers");
	put(header + HEADER_SLOTS, state->slots, 4);
	memcpy(header + HEADER_KEY, state->key, sizeof(state->key));
	put(header + CRC_AT, crc32c(0, header, CRC_AT), 4);
	if (ftruncate(state->fd, 0) < 0 || ftruncate(state->fd, size) < 0 ||
	    pwrite(state->fd, header, sizeof(header), 0) !=
		(ssize_t)sizeof(header))
		return why_errno(why, "write");
	return true;
}

static bool
prepare(struct state_file *state, const char *path, struct why *why)
{
	struct stat status;
	bool ok;

	if (read_header(state))
		return true;
	if (!lock(state->fd, F_WRLCK, 0, HEADER_SIZE))
		return why_errno(why, "lock");
	/* Another process may have been faster. */
	ok = read_header(state);
	if (!ok) {
		if (fstat(state->fd, &status) == 0 && status.st_size > 0)
			log_warning("%s is damaged or of another size: it is "
				    "made anew",
			    path);
		ok = make_header(state, why);
	}
	(void)lock(state->fd, F_UNLCK, 0, HEADER_SIZE);
	return ok;
}

struct state_file *
state_open(const char *path, uint32_t slots, struct why *why)
{
	struct state_file *state = alloc_zero(1, sizeof(*state));

	BUG_UNLESS(
	    slots > 0 && slots <= STATE_SLOTS_MAX && slots % STATE_WINDOW == 0);
	state->slots = slots;
	state->window = -1;
	state->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (state->fd >= 0 && prepare(state, path, why))
		return state;
	if (state->fd < 0)
		why_errno(why, "open");
	why_context(why, "%s", path);
	state_close(&state);
	return NULL;
}

void
state_close(struct state_file **state)
{
	if (*state == NULL)
		return;
	if ((*state)->fd >= 0)
		close((*state)->fd);
	alloc_release(*state);
	*state = NULL;
}

static off_t
window_of(const struct state_file *state, uint64_t hash)
{
	return HEADER_SIZE +
	       (off_t)(hash % (state->slots / STATE_WINDOW)) * WINDOW_SIZE;
}

/* The record, or a new one and its place. */
static bool
search(struct state_file *state, uint64_t hash, uint64_t now,
    struct state_record *record)
{
	char bytes[WINDOW_SIZE];
	size_t free;

	memset(record, 0, sizeof(*record));
	record->hash = hash;
	record->first = record->last = now;
	if (pread(state->fd, bytes, sizeof(bytes), window_of(state, hash)) !=
	    (ssize_t)sizeof(bytes))
		memset(bytes, 0, sizeof(bytes));
	state->index = state_window_find(
	    slice_make(bytes, sizeof(bytes)), hash, now, &free);
	if (state->index == STATE_WINDOW) {
		state->index = free;
		return false;
	}
	return state_record_parse(
	    slice_make(
		bytes + state->index * STATE_RECORD_SIZE, STATE_RECORD_SIZE),
	    record);
}

bool
state_take(struct state_file *state, struct slice key, uint64_t now,
    struct state_record *record)
{
	uint64_t hash = siphash(state->key, key);
	off_t window = window_of(state, hash);

	BUG_UNLESS(state->window < 0);
	if (!lock(state->fd, F_WRLCK, window, WINDOW_SIZE))
		return false;
	state->window = window;
	(void)search(state, hash, now, record);
	return true;
}

void
state_leave(struct state_file *state)
{
	(void)lock(state->fd, F_UNLCK, state->window, WINDOW_SIZE);
	state->window = -1;
}

void
state_put(struct state_file *state, const struct state_record *record)
{
	char bytes[STATE_RECORD_SIZE];
	off_t at = state->window + (off_t)(state->index * STATE_RECORD_SIZE);

	state_record_format(bytes, record);
	if (pwrite(state->fd, bytes, sizeof(bytes), at) !=
	    (ssize_t)sizeof(bytes))
		log_warning("state: write: %s", strerror(errno));
	state_leave(state);
}

bool
state_find(struct state_file *state, struct slice key, uint64_t now,
    struct state_record *record)
{
	return search(state, siphash(state->key, key), now, record);
}
