/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/auth_failures.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fsutil.h"
#include "common/io.h"

#define FAILURE_MAGIC "MPfail1"

enum {
	FAILURE_BUCKETS = 2048,
	FAILURE_WAYS = 8, /* entries that one name can be in */
	FAILURE_SEEN = 6, /* wrong passwords that are remembered */
	FAILURE_SCALE = 1000,
	LOCK_SECONDS = 1,
};

struct failure {
	uint8_t name[16];
	int64_t time;    /* of score */
	int64_t success; /* of a network: the last one; 0: none */
	uint64_t score;  /* thousandths of a failure */
	uint64_t seen[FAILURE_SEEN];
};

struct failure_table {
	char magic[8];
	uint8_t key[SHA256_SIZE];
	struct failure entries[FAILURE_BUCKETS][FAILURE_WAYS];
};

static bool
table_map(struct auth_failures *failures, struct why *why)
{
	size_t size = sizeof(struct failure_table);
	struct stat status;
	void *memory;
	int error = 0;

	if (fstat(failures->fd, &status) < 0)
		return why_errno(why, "failures of logins");
	/* Blocks are taken now: on a full disk a mapped page without one
	 * would end the process. */
	if (status.st_size < (off_t)size)
		error = posix_fallocate(failures->fd, 0, (off_t)size);
	if (error != 0) {
		errno = error;
		return why_errno(why, "failures of logins");
	}
	memory = mmap(
	    NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, failures->fd, 0);
	if (memory == MAP_FAILED)
		return why_errno(why, "failures of logins");
	failures->table = memory;
	return true;
}

/* Under the lock, so that the first two processes agree on a key. */
static bool
table_prepare(struct auth_failures *failures)
{
	struct failure_table *table = failures->table;

	if (!fs_lock(failures->fd, true, io_deadline(LOCK_SECONDS)))
		return false;
	if (memcmp(table->magic, FAILURE_MAGIC, sizeof(table->magic)) != 0) {
		memset(table, 0, sizeof(*table));
		memcpy(table->key, failures->key, SHA256_SIZE);
		memcpy(table->magic, FAILURE_MAGIC, sizeof(table->magic));
	}
	memcpy(failures->key, table->key, SHA256_SIZE);
	return true;
}

static void
unlock(struct auth_failures *failures)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	(void)fcntl(failures->fd, F_SETLK, &lock);
}

bool
auth_failures_open(const struct settings *settings,
    struct auth_failures *failures, struct why *why)
{
	char path[1024];

	memset(failures, 0, sizeof(*failures));
	failures->settings = settings;
	if (getrandom(failures->key, SHA256_SIZE, 0) != SHA256_SIZE)
		memset(failures->key, 0, SHA256_SIZE);
	snprintf(
	    path, sizeof(path), "%s/auth-failures", settings->state_directory);
	failures->fd =
	    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (failures->fd < 0)
		return why_errno(why, "%s", path);
	if (!table_map(failures, why) || !table_prepare(failures)) {
		if (failures->table != NULL)
			why_set(why, "%s: locked for too long", path);
		auth_failures_close(failures);
		return false;
	}
	unlock(failures);
	return true;
}

void
auth_failures_close(struct auth_failures *failures)
{
	if (failures->table != NULL)
		munmap(failures->table, sizeof(*failures->table));
	if (failures->fd >= 0)
		close(failures->fd);
	failures->table = NULL;
	failures->fd = -1;
}

/* What an entry is about, under the key. */
static void
hash(const struct auth_failures *failures, const char *kind, struct slice a,
    struct slice b, uint8_t out[SHA256_SIZE])
{
	struct hmac hmac;
	uint8_t lengths[2] = { (uint8_t)a.len, (uint8_t)(a.len >> 8) };

	hmac_begin(&hmac, slice_make(failures->key, SHA256_SIZE));
	hmac_add(&hmac, slice_make(kind, strlen(kind) + 1));
	hmac_add(&hmac, slice_make(lengths, sizeof(lengths)));
	hmac_add(&hmac, a);
	hmac_add(&hmac, b);
	hmac_end(&hmac, out);
	explicit_bzero(&hmac, sizeof(hmac));
}

static void
hash_account(const struct auth_failures *failures, struct slice account,
    uint8_t out[SHA256_SIZE])
{
	char lower[256];
	size_t n = account.len < sizeof(lower) ? account.len : sizeof(lower);

	for (size_t i = 0; i < n; i++)
		lower[i] = ascii_lower(account.ptr[i]);
	hash(failures, "account", slice_make(lower, n), S(""), out);
}

static void
hash_network(const struct auth_failures *failures, const struct netaddr *peer,
    uint8_t out[SHA256_SIZE])
{
	hash(failures, "network", slice_make(&peer->family, 1),
	    slice_make(peer->bytes, peer->family == 4 ? 4 : 8), out);
}

static uint64_t
score_now(const struct auth_failures *failures, const struct failure *entry,
    uint64_t budget, int64_t now)
{
	int64_t passed = now - entry->time;
	uint64_t period = failures->settings->auth_failure_period;
	uint64_t sunk;

	if (passed <= 0)
		return entry->score;
	if (period == 0 || (uint64_t)passed >= period)
		return 0;
	sunk = budget * FAILURE_SCALE * (uint64_t)passed / period;
	return entry->score > sunk ? entry->score - sunk : 0;
}

static bool
is_trusted(const struct auth_failures *failures, const struct failure *network,
    int64_t now)
{
	int64_t memory = (int64_t)failures->settings->auth_success_memory;

	return network != NULL && network->success > 0 &&
	       now - network->success < memory;
}

/* How much would be lost with it? */
static uint64_t
worth(const struct auth_failures *failures, const struct failure *entry,
    int64_t now)
{
	uint64_t period = failures->settings->auth_failure_period;
	uint64_t value = is_trusted(failures, entry, now) ? 4 : 0;

	if (now - entry->time < (int64_t)period)
		value += entry->score / FAILURE_SCALE;
	return value;
}

static struct failure *
bucket_of(struct auth_failures *failures, const uint8_t name[SHA256_SIZE])
{
	size_t bucket = ((size_t)name[16] << 8 | name[17]) % FAILURE_BUCKETS;

	return failures->table->entries[bucket];
}

static struct failure *
find(struct auth_failures *failures, const uint8_t name[SHA256_SIZE])
{
	struct failure *ways = bucket_of(failures, name);

	for (size_t i = 0; i < FAILURE_WAYS; i++)
		if (memcmp(ways[i].name, name, sizeof(ways[i].name)) == 0)
			return &ways[i];
	return NULL;
}

/* Found, or in the place of what is worth least. */
static struct failure *
take(struct auth_failures *failures, const uint8_t name[SHA256_SIZE],
    int64_t now)
{
	struct failure *ways = bucket_of(failures, name);
	struct failure *entry = find(failures, name);

	if (entry != NULL)
		return entry;
	entry = &ways[0];
	for (size_t i = 1; i < FAILURE_WAYS; i++) {
		uint64_t a = worth(failures, &ways[i], now);
		uint64_t b = worth(failures, entry, now);

		if (a < b || (a == b && ways[i].time < entry->time))
			entry = &ways[i];
	}
	memset(entry, 0, sizeof(*entry));
	memcpy(entry->name, name, sizeof(entry->name));
	return entry;
}

static bool
is_over(const struct auth_failures *failures, const struct failure *entry,
    uint64_t budget, int64_t now)
{
	return entry != NULL && budget > 0 &&
	       score_now(failures, entry, budget, now) + FAILURE_SCALE >
		   budget * FAILURE_SCALE;
}

static bool
begin(struct auth_failures *failures)
{
	return failures->table != NULL &&
	       fs_lock(failures->fd, true, io_deadline(LOCK_SECONDS));
}

bool
auth_failures_is_over(
    struct auth_failures *failures, const struct auth_attempt *attempt)
{
	const struct settings *settings = failures->settings;
	uint8_t account[SHA256_SIZE], network[SHA256_SIZE];
	const struct failure *of_network = NULL;
	bool over;

	if (!begin(failures))
		return false;
	hash_account(failures, attempt->account, account);
	hash_network(failures, &attempt->peer, network);
	if (attempt->peer.family != 0)
		of_network = find(failures, network);
	over = is_over(failures, find(failures, account),
		   settings->auth_failures_account, attempt->now) ||
	       is_over(failures, of_network, settings->auth_failures_network,
		   attempt->now);
	over = over && !is_trusted(failures, of_network, attempt->now);
	unlock(failures);
	return over;
}

static void
count(const struct auth_failures *failures, struct failure *entry,
    uint64_t budget, int64_t now)
{
	uint64_t score =
	    score_now(failures, entry, budget, now) + FAILURE_SCALE;

	/* Twice the budget is as much as one can owe. */
	if (budget > 0 && score > 2 * budget * FAILURE_SCALE)
		score = 2 * budget * FAILURE_SCALE;
	entry->score = score;
	entry->time = now;
}

/* Has this password been wrong already? Old ones are forgotten with the
 * period. */
static bool
is_seen(const struct auth_failures *failures, struct failure *entry,
    const struct auth_attempt *attempt)
{
	uint8_t bytes[SHA256_SIZE];
	uint64_t mark;

	if (attempt->now - entry->time >
	    (int64_t)failures->settings->auth_failure_period)
		memset(entry->seen, 0, sizeof(entry->seen));
	if (attempt->secret.len == 0)
		return false;
	hash(failures, "password", attempt->account, attempt->secret, bytes);
	memcpy(&mark, bytes, sizeof(mark));
	for (size_t i = 0; i < FAILURE_SEEN; i++)
		if (entry->seen[i] == mark)
			return true;
	memmove(entry->seen + 1, entry->seen,
	    (FAILURE_SEEN - 1) * sizeof(entry->seen[0]));
	entry->seen[0] = mark;
	return false;
}

enum failure_count
auth_failures_add(
    struct auth_failures *failures, const struct auth_attempt *attempt)
{
	const struct settings *settings = failures->settings;
	uint8_t name[SHA256_SIZE];
	struct failure *account, *network;
	enum failure_count result = FAILURE_COUNTED;

	if (!begin(failures))
		return FAILURE_COUNTED;
	hash_account(failures, attempt->account, name);
	account = take(failures, name, attempt->now);
	if (is_seen(failures, account, attempt)) {
		result = FAILURE_AGAIN;
	} else {
		count(failures, account, settings->auth_failures_account,
		    attempt->now);
		if (attempt->peer.family != 0) {
			hash_network(failures, &attempt->peer, name);
			network = take(failures, name, attempt->now);
			count(failures, network,
			    settings->auth_failures_network, attempt->now);
			if (is_trusted(failures, network, attempt->now))
				result = FAILURE_TRUSTED;
		}
	}
	unlock(failures);
	return result;
}

void
auth_failures_success(
    struct auth_failures *failures, const struct auth_attempt *attempt)
{
	uint8_t name[SHA256_SIZE];

	if (attempt->peer.family == 0 || !begin(failures))
		return;
	hash_network(failures, &attempt->peer, name);
	take(failures, name, attempt->now)->success = attempt->now;
	unlock(failures);
}
