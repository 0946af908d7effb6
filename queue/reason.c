/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/reason.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/fsutil.h"
#include "common/limits.h"
#include "common/log.h"

static void
reason_path(const char *id, char path[SPOOL_PATH_SIZE])
{
	char queue_path[SPOOL_PATH_SIZE];

	spool_path(id, queue_path);
	snprintf(
	    path, SPOOL_PATH_SIZE, "why%s", queue_path + sizeof("queue") - 1);
}

bool
reason_parse(struct slice line, size_t *index, struct reason *reason)
{
	struct slice number, status;
	uint64_t value;

	if (!slice_cut(line, ' ', &number, &line) ||
	    !slice_u64(number, SIZE_MAX, &value) ||
	    !slice_cut(line, ' ', &status, &line) || status.len != 1 ||
	    !slice_cut(line, ' ', &reason->code, &line) ||
	    !slice_cut(line, ' ', &reason->remote, &reason->text))
		return false;
	*index = (size_t)value;
	reason->status = status.ptr[0];
	if (slice_eq(reason->remote, S("-")))
		reason->remote = S("");
	return reason->status == 'T' || reason->status == 'F' ||
	       reason->status == 'D' || reason->status == 'M';
}

/* The line of a meaning follows that of its reason. */
static void
keep_line(struct reason *reason, const struct reason *line)
{
	if (line->status == 'M')
		reason->meaning = line->text;
	else
		*reason = *line;
}

void
reason_read(int spool_fd, const char *id, struct arena *arena,
    struct reason *reasons, size_t count)
{
	struct buf content;
	struct slice rest, line;
	struct reason reason;
	char path[SPOOL_PATH_SIZE];
	size_t index;

	memset(reasons, 0, count * sizeof(*reasons));
	memset(&reason, 0, sizeof(reason));
	reason_path(id, path);
	buf_init(&content, REASON_FILE_MAX);
	if (fs_read_file(spool_fd, path, &content, NULL)) {
		rest = arena_slice(arena, buf_slice(&content));
		while (slice_token(&rest, S("\n"), &line))
			if (reason_parse(line, &index, &reason) &&
			    index < count)
				keep_line(&reasons[index], &reason);
	}
	buf_free(&content);
}

static void
reason_format(struct buf *out, size_t index, const struct reason *reason)
{
	buf_add_format(out, "%zu %c %.*s ", index, reason->status,
	    SLICE_FMT(reason->code));
	buf_add_printable(
	    out, reason->remote.len > 0 ? reason->remote : S("-"));
	buf_add_char(out, ' ');
	buf_add_printable(out, slice_first(reason->text, LIMIT_REASON));
	buf_add_char(out, '\n');
	if (reason->meaning.len == 0)
		return;
	buf_add_format(out, "%zu M - - ", index);
	buf_add_printable(out, reason->meaning);
	buf_add_char(out, '\n');
}

void
reason_write(
    int spool_fd, const char *id, const struct reason *reasons, size_t count)
{
	struct buf content;

	buf_init(&content, REASON_FILE_MAX);
	for (size_t i = 0; i < count; i++)
		if (reasons[i].status != 0)
			reason_format(&content, i, &reasons[i]);
	reason_put(spool_fd, id, buf_slice(&content));
	buf_free(&content);
}

void
reason_get(int spool_fd, const char *id, struct buf *text)
{
	char path[SPOOL_PATH_SIZE];

	reason_path(id, path);
	(void)fs_read_file(spool_fd, path, text, NULL);
}

void
reason_put(int spool_fd, const char *id, struct slice text)
{
	char path[SPOOL_PATH_SIZE];
	struct why why = { 0 };
	int fd;

	reason_path(id, path);
	fd = openat(spool_fd, path,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || !fs_write_all(fd, text, &why))
		log_warning("%s: cannot write %s: %s", id, path,
		    fd < 0 ? strerror(errno) : why.text);
	if (fd >= 0)
		close(fd);
}

void
reason_remove(int spool_fd, const char *id)
{
	char path[SPOOL_PATH_SIZE];

	reason_path(id, path);
	if (unlinkat(spool_fd, path, 0) != 0 && errno != ENOENT)
		log_warning(
		    "%s: cannot remove %s: %s", id, path, strerror(errno));
}
