/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fsutil.h"

#include "queue/journal.h"
#include "queue/mailq_trace.h"

#define ID     "6C32BN8A7CKZB"
#define REPORT "6C32BN8A7CKZC"
#define OTHER  "6C32BN8A7CKZD"
#define NOON   1795694400 /* 2026-11-26 12:00 UTC */
#define DAY    86400

struct spool {
	char path[64];
	int fd;
};

static int
set_up(void **state)
{
	struct spool *spool = test_calloc(1, sizeof(*spool));

	snprintf(spool->path, sizeof(spool->path), "/tmp/test_journal.XXXXXX");
	if (mkdtemp(spool->path) == NULL)
		return -1;
	spool->fd = open(spool->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = spool;
	return spool->fd < 0;
}

static int
tear_down(void **state)
{
	struct spool *spool = *state;
	struct journal_days *days = journal_list_days(spool->fd);
	char path[64];

	for (size_t i = 0; i < days->count; i++) {
		snprintf(path, sizeof(path), "journal/%s", days->names[i]);
		(void)unlinkat(spool->fd, path, 0);
	}
	alloc_release(days);
	(void)unlinkat(spool->fd, "journal", AT_REMOVEDIR);
	close(spool->fd);
	(void)rmdir(spool->path);
	test_free(spool);
	return 0;
}

static bool
count_lines(void *context, const struct journal_record *record)
{
	size_t *count = context;

	assert_true(record->text.len > 0);
	(*count)++;
	return true;
}

static size_t
lines_of(const struct spool *spool)
{
	struct why why = { 0 };
	size_t count = 0;

	assert_true(journal_read(spool->fd, count_lines, &count, &why));
	return count;
}

static void
events_are_kept_for_so_many_days(void **state)
{
	struct spool *spool = *state;
	struct journal *journal = journal_new(spool->fd, 2 * DAY);
	struct journal_days *days;

	for (int day = 0; day < 5; day++) {
		journal_add(journal, ID, S("removed"));
		journal_flush(journal, NOON + (uint64_t)day * DAY);
	}
	days = journal_list_days(spool->fd);
	assert_int_equal(days->count, 3);
	assert_string_equal(days->names[0], "2026-11-28");
	assert_string_equal(days->names[2], "2026-11-30");
	alloc_release(days);
	assert_int_equal(lines_of(spool), 3);
	journal_free(&journal);
}

static void
no_life_keeps_nothing(void **state)
{
	struct spool *spool = *state;
	struct journal *journal = journal_new(spool->fd, 0);

	journal_add(journal, ID, S("removed"));
	journal_flush(journal, NOON);
	assert_int_equal(lines_of(spool), 0);
	assert_int_not_equal(faccessat(spool->fd, "journal", F_OK, 0), 0);
	journal_free(&journal);
}

/* A stop can leave a torn last line; a hostile host cannot make one. */
static void
what_is_no_line_is_passed_over(void **state)
{
	struct spool *spool = *state;
	struct journal *journal = journal_new(spool->fd, DAY);
	int fd;

	journal_add(
	    journal, ID, S("to=<x>, status=deferred (\n0 " OTHER " removed)"));
	journal_flush(journal, NOON);
	fd = openat(spool->fd, "journal/2026-11-26", O_WRONLY | O_APPEND);
	assert_true(fs_write_all(fd, S("179566"), NULL));
	close(fd);
	assert_int_equal(lines_of(spool), 1);
	journal_free(&journal);
}

static void
what_cannot_be_written_is_no_error(void **state)
{
	struct spool *spool = *state;
	struct journal *journal = journal_new(spool->fd, DAY);

	assert_int_equal(mkdirat(spool->fd, "journal", 0700), 0);
	assert_int_equal(mkdirat(spool->fd, "journal/2026-11-26", 0700), 0);
	for (int i = 0; i < 3; i++) {
		journal_add(journal, ID, S("removed"));
		journal_flush(journal, NOON);
	}
	journal_free(&journal);
	assert_int_equal(
	    unlinkat(spool->fd, "journal/2026-11-26", AT_REMOVEDIR), 0);
}

static const char *const lines[] = {
	"1 " ID " from=<a@b.example>, size=42, nrcpt=2",
	"2 " OTHER " from=<c@b.example>, size=42, nrcpt=1",
	"3 " ID " to=<x@far.example>, orig_to=<y@b.example>, status=bounced",
	"4 " ID " sender non-delivery notification: " REPORT,
	"5 " ID " removed",
	"6 " REPORT " to=<A@b.example>, status=sent",
	"7 " OTHER " to=<x@far.example>, status=sent",
};

static size_t
trace(const char *subject, struct trace *trace)
{
	struct journal_record record;
	struct buf out;
	size_t count = 0;

	buf_init(&out, 65536);
	assert_true(trace_begin(trace, slice_of(subject)));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_true(journal_parse(slice_of(lines[i]), &record));
		assert_true(trace_add(trace, &record, &out));
	}
	for (size_t i = 0; i < out.len; i++)
		count += out.ptr[i] == '\n';
	buf_free(&out);
	return count;
}

static void
a_message_is_traced_with_its_reports(void **state)
{
	static const struct {
		const char *subject;
		size_t count;
		bool is_gone;
	} rows[] = { { ID, 5, true }, { "6c32-bn8a7-ckzb", 5, true },
		{ REPORT, 2, false }, { OTHER, 2, false },
		{ "6C32BN8A7CKZE", 0, false }, { "a@b.example", 2, false },
		{ "y@b.example", 1, false }, { "X@FAR.example", 2, false },
		{ "@", 0, false } };
	struct trace one;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(trace(rows[i].subject, &one), rows[i].count);
		assert_int_equal(one.is_gone, rows[i].is_gone);
	}
	assert_false(trace_begin(&one, S("x")));
	assert_false(trace_begin(&one, S("")));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(events_are_kept_for_so_many_days),
		TEST(no_life_keeps_nothing),
		TEST(what_is_no_line_is_passed_over),
		TEST(what_cannot_be_written_is_no_error),
		cmocka_unit_test(a_message_is_traced_with_its_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
