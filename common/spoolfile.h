/* SPDX-License-Identifier: ISC */
/*
 * spoolfile - the format of one queued message, and nothing about policy.
 *
 * One immutable, self-checking file per message; little endian.
 *
 *     0    64  header: magic "MERPATI1", version, flags, created (seconds),
 *              count n, envelope length, body offset, CRC32C of slots
 *              (without status) and envelope, CRC32C of the bytes before
 *    64    64  scheduling slot: attempts, next attempt, flags, own CRC32C;
 *              rewritten in place; a bad CRC means "try now"
 *   128  n*16  recipient slots: status byte, then kind, offset and length
 *              of the record in the envelope
 *    ..   ...  envelope: records of type byte, 32-bit length, bytes
 *    ..   ...  zero padding to a multiple of 4096: the body offset
 *    ..   ...  body, CRLF line ends, dots not stuffed
 *   end    64  END record: magic "MERPEND1", body length, CRC32C over
 *              header, slots without status bytes, envelope and body
 *
 * A file without a valid END record was never acknowledged. enqueue writes it
 * (qmgr, bounces); qmgr alone changes status bytes and schedule, one pwrite
 * each. Readers treat the file as hostile.
 *
 * The id is 13 letters of the base 32 alphabet without I L O U:
 * microseconds since 1970 shifted left by 12, plus 12 bits of the pid. The
 * bucket is the last two hexadecimal digits of crc32c(id).
 */
#ifndef COMMON_SPOOLFILE_H
#define COMMON_SPOOLFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/arena.h"
#include "common/inject.h"
#include "common/mail_options.h"
#include "common/resolve.h"
#include "common/result.h"
#include "common/slice.h"
#include "common/spool_status.h"

#define SPOOL_ID_LENGTH 13
#define SPOOL_ID_SIZE 14
#define SPOOL_PATH_SIZE 32       /* "queue/7f/0123456789ABC" */
#define SPOOL_BUCKETS 256

enum spool_flags {
	SPOOL_8BIT = 1 << 0,      /* body has bytes over 127 */
	SPOOL_BOUNCE = 1 << 1,    /* made here: its failure makes no bounce */
	SPOOL_LOCAL = 1 << 2,     /* by sendmail(1) */
	SPOOL_AUTHENTICATED = 1 << 3,
};

struct spool_recipient {
	char status;           /* enum recipient_status */
	char kind;             /* enum target_kind */
	struct slice address;  /* final */
	struct slice original; /* as given at RCPT */
	struct slice argument; /* program or file */
	struct slice extension;
	struct user user;      /* name only: looked up again at delivery */
	struct rcpt_options options;
};

struct spool_schedule {
	uint32_t attempts;
	uint64_t next;         /* wall seconds; 0 now */
	uint32_t flags;        /* enum schedule_flags */
};

struct spool_message {
	char id[SPOOL_ID_SIZE];
	uint32_t flags;        /* enum spool_flags */
	uint64_t created;      /* wall seconds */
	struct slice sender;   /* reverse path, "" null */
	struct slice login, helo, peer; /* facts, for logs and DSNs */
	struct mail_options options;
	size_t recipient_count;
	struct spool_recipient *recipients;
	struct spool_schedule schedule;
	uint64_t body_offset;
	uint64_t body_length;
	uint64_t file_size;
};

void spool_id_make(char id[SPOOL_ID_SIZE]);
void spool_id_from(uint64_t microseconds, uint32_t low,
    char id[SPOOL_ID_SIZE]);
bool spool_id_is_valid(struct slice id);
/* "queue/7f/ID" relative to the spool directory. */
void spool_path(const char *id, char path[SPOOL_PATH_SIZE]);

/* False with ENOSPC when less than minimum_free bytes or inodes are left. */
bool spool_has_room(int spool_fd, uint64_t minimum_free, struct why *why);

/* Writing: open, envelope, body in pieces, commit. The order of system calls
 * and the commit points [A1] to [A8] are in queue/spool.md. On any failure
 * the file is unlinked, never synced again. */
struct spool_writer;
/* Nothing is on disk before the first 64 KiB or commit. */
struct spool_writer *spool_writer_open(int spool_fd, struct why *why);
/* EEXIST at commit when it is taken. False: not an id. */
bool spool_writer_set_id(struct spool_writer *writer, const char *id);
void spool_writer_relax(struct spool_writer *writer); /* strict_sync = no */
/* message: all but what reading adds; options have to be valid. */
bool spool_writer_envelope(struct spool_writer *writer,
    const struct spool_message *message, struct why *why);
bool spool_writer_body(struct spool_writer *writer, struct slice bytes,
    struct why *why);
bool spool_writer_schedule(struct spool_writer *writer,
    const struct spool_schedule *schedule, struct why *why);
uint64_t spool_writer_body_length(const struct spool_writer *writer);
/* Exactly length bytes of the body that was written, before commit. */
bool spool_writer_read(struct spool_writer *writer, uint64_t offset,
    char *bytes, size_t length, struct why *why);
/* True: on stable storage. fixed_id: NULL, or its id; EEXIST when taken. */
bool spool_writer_commit(struct spool_writer *writer, const char *fixed_id,
    char id[SPOOL_ID_SIZE], struct why *why);
void spool_writer_close(struct spool_writer **writer); /* after the reply */
/* The id the message will get, known before commit (for Received:). */
const char *spool_writer_id(const struct spool_writer *writer);

/* Reading. spool_read fills message (slices in the arena) from the envelope
 * pages and the END record; it does not read the body. RESULT_NEVER:
 * damaged (why says where); RESULT_LATER: I/O error. */
enum result spool_read(int fd, const char *id, struct arena *arena,
    struct spool_message *message, struct why *why);
enum result spool_verify(int fd, struct why *why); /* the CRC of all */
/* A whole file in memory, for tests and the fuzzer. */
enum result spool_parse(struct slice file, struct arena *arena,
    struct spool_message *message, struct why *why);
/* In place: one recipient's status byte, and the scheduling slot. */
bool spool_mark(int fd, size_t recipient, char status, struct why *why);
bool spool_write_schedule(int fd, const struct spool_schedule *slot,
    struct why *why);

#endif
