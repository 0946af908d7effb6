/* SPDX-License-Identifier: ISC */
/*
 * fill - put many messages into a spool, as its own writer makes them.
 *
 *     fill SPOOL COUNT DOMAINS STATE
 *
 * The message N is for user@dN.queue.test, N modulo DOMAINS. STATE is "fresh"
 * or "deferred" (tried once, the next attempt in two hours). For a spool
 * nobody serves, on a file system in memory or one that may lie: each is
 * synced.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "common/spoolfile.h"

#define NEXT_SECONDS 7200

static const char body[] = "From: <bulk@here.test>\r\nSubject: filler\r\n\r\n"
			   "A message that waits.\r\n";

static bool
put(int spool_fd, unsigned long domain, bool is_deferred, struct why *why)
{
	char address[64], id[SPOOL_ID_SIZE];
	uint64_t now = (uint64_t)time(NULL);
	struct spool_recipient recipient = { .status = RECIPIENT_TODO,
		.kind = TARGET_REMOTE };
	struct spool_message message = { .created = now,
		.sender = S("bulk@here.test"),
		.recipient_count = 1,
		.recipients = &recipient };
	struct spool_schedule slot = { .attempts = 1,
		.next = now + NEXT_SECONDS };
	struct spool_writer *writer = spool_writer_open(spool_fd, why);
	bool ok;

	if (writer == NULL)
		return false;
	snprintf(address, sizeof(address), "user@d%lu.queue.test", domain);
	recipient.address = recipient.original = slice_of(address);
	ok = spool_writer_envelope(writer, &message, why) &&
	     spool_writer_body(writer, slice_of(body), why) &&
	     (!is_deferred || spool_writer_schedule(writer, &slot, why)) &&
	     spool_writer_commit(writer, NULL, id, why);
	spool_writer_close(&writer);
	return ok;
}

int
main(int argc, char *argv[])
{
	struct why why = { 0 };
	unsigned long count, domains;
	int spool_fd;

	if (argc != 5) {
		fprintf(stderr, "usage: fill spool count domains state\n");
		return EX_USAGE;
	}
	count = strtoul(argv[2], NULL, 10);
	domains = strtoul(argv[3], NULL, 10);
	spool_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool_fd < 0) {
		perror(argv[1]);
		return EX_NOINPUT;
	}
	for (unsigned long i = 0; i < count; i++)
		if (!put(spool_fd, i % (domains > 0 ? domains : 1),
			strcmp(argv[4], "deferred") == 0, &why)) {
			fprintf(stderr, "fill: %s\n", why.text);
			return EX_IOERR;
		}
	return EX_OK;
}
