/* SPDX-License-Identifier: ISC */
/* The way out. */
#include "config.h"

#include "queue/transfer.h"

#include <sys/stat.h>

#include "common/buf.h"
#include "common/fsutil.h"
#include "common/spoolfile.h"

#include "queue/reason.h"

static bool
is_written(FILE *out, struct why *why)
{
	return (fflush(out) == 0 && ferror(out) == 0) ||
	       why_errno(why, "write");
}

bool
transfer_begin(FILE *out, struct why *why)
{
	fprintf(out, "MERPATI-QUEUE 1\n");
	return is_written(out, why);
}

/* A queue file never changes its length. */
static bool
copy_file(FILE *out, int fd, uint64_t length, struct why *why)
{
	char bytes[8192];
	size_t n;

	for (uint64_t at = 0; at < length; at += n) {
		n = length - at < sizeof(bytes) ? (size_t)(length - at)
						: sizeof(bytes);
		if (!fs_read_at(fd, bytes, n, at, why))
			return false;
		if (fwrite(bytes, 1, n, out) != n)
			return why_errno(why, "write");
	}
	return true;
}

bool
transfer_put(FILE *out, int spool_fd, int fd, const char *id, struct why *why)
{
	struct buf reasons;
	struct stat status;
	bool ok;

	if (fstat(fd, &status) != 0)
		return why_errno(why, "stat of the queue file");
	buf_init(&reasons, REASON_FILE_MAX);
	reason_get(spool_fd, id, &reasons);
	fprintf(out, "%s %llu %zu\n", id, (unsigned long long)status.st_size,
	    reasons.len);
	ok = copy_file(out, fd, (uint64_t)status.st_size, why);
	fwrite(reasons.ptr, 1, reasons.len, out);
	buf_free(&reasons);
	return ok && is_written(out, why);
}

bool
transfer_end(FILE *out, size_t count, struct why *why)
{
	fprintf(out, "END %zu\n", count);
	return is_written(out, why);
}
