/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fsutil.h"
#include "common/log.h"

#define PENDING_MAX  (256 * 1024)
#define DAY          86400
#define MISTAKES_MAX 1 /* of a day that are logged */

struct journal {
	int spool_fd;
	uint64_t life;
	struct buf pending;
	int fd;       /* of this day, or -1 */
	uint64_t day; /* since 1970 */
	off_t size;
	unsigned int mistakes;
};

struct journal *
journal_new(int spool_fd, uint64_t life)
{
	struct journal *journal = alloc_zero(1, sizeof(*journal));

	journal->spool_fd = spool_fd;
	journal->life = life;
	journal->fd = -1;
	buf_init(&journal->pending, PENDING_MAX);
	return journal;
}

void
journal_free(struct journal **journal)
{
	if (*journal == NULL)
		return;
	journal_flush(*journal, (uint64_t)time(NULL));
	if ((*journal)->fd >= 0)
		close((*journal)->fd);
	buf_free(&(*journal)->pending);
	alloc_release(*journal);
	*journal = NULL;
}

void
journal_add(struct journal *journal, const char *id, struct slice text)
{
	uint64_t now = (uint64_t)time(NULL);

	if (journal->life == 0)
		return;
	if (journal->pending.len + 2 * JOURNAL_LINE_MAX > PENDING_MAX)
		journal_flush(journal, now);
	buf_add_format(
	    &journal->pending, "%llu %s ", (unsigned long long)now, id);
	buf_add_printable(
	    &journal->pending, slice_first(text, JOURNAL_LINE_MAX));
	buf_add_char(&journal->pending, '\n');
}

void
journal_note(struct journal *journal, const char *id, const char *format, ...)
{
	char text[JOURNAL_LINE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	log_info("%s: %s", id, text);
	journal_add(journal, id, slice_of(text));
}

static void
complain(struct journal *journal, const char *what)
{
	if (journal->mistakes++ < MISTAKES_MAX)
		log_warning("journal: %s; what happens today is in the log "
			    "alone",
		    what);
}

static void
day_name(uint64_t day, char name[JOURNAL_DAY_SIZE])
{
	time_t seconds = (time_t)(day * DAY);
	struct tm tm = { .tm_mday = 1 };

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(name, JOURNAL_DAY_SIZE, "%Y-%m-%d", &tm);
}

static int
open_directory(const struct journal *journal)
{
	if (mkdirat(journal->spool_fd, JOURNAL_DIRECTORY, 0700) != 0 &&
	    errno != EEXIST)
		return -1;
	return openat(journal->spool_fd, JOURNAL_DIRECTORY,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void
remove_old(const struct journal *journal, int directory, uint64_t first_day)
{
	struct journal_days *days = journal_list_days(journal->spool_fd);
	char first[JOURNAL_DAY_SIZE];

	day_name(first_day, first);
	for (size_t i = 0; i < days->count; i++)
		if (strcmp(days->names[i], first) < 0)
			(void)unlinkat(directory, days->names[i], 0);
	alloc_release(days);
}

static void
begin_day(struct journal *journal, uint64_t day)
{
	int directory = open_directory(journal);
	struct stat status;
	char name[JOURNAL_DAY_SIZE];

	if (journal->fd >= 0)
		close(journal->fd);
	journal->fd = -1;
	journal->day = day;
	journal->mistakes = 0;
	if (directory < 0) {
		complain(journal, strerror(errno));
		return;
	}
	if (day > journal->life / DAY)
		remove_old(journal, directory, day - journal->life / DAY);
	day_name(day, name);
	journal->fd = openat(directory, name,
	    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (journal->fd < 0 || fstat(journal->fd, &status) != 0)
		complain(journal, strerror(errno));
	else
		journal->size = status.st_size;
	close(directory);
}

void
journal_flush(struct journal *journal, uint64_t now)
{
	struct why why = { 0 };

	if (journal->pending.len == 0)
		return;
	if (journal->day != now / DAY)
		begin_day(journal, now / DAY);
	if (journal->fd >= 0 && journal->size > JOURNAL_DAY_MAX)
		complain(journal, "today's file is full");
	else if (journal->fd >= 0 &&
		 !fs_write_all(journal->fd, buf_slice(&journal->pending), &why))
		complain(journal, why.text);
	journal->size += (off_t)journal->pending.len;
	buf_clear(&journal->pending);
}
