/* SPDX-License-Identifier: ISC */
/* check and transfer over a spool of their own. */
#include "config.h"

#include "tests/unit/queue/manager_fixture.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fsutil.h"

#include "queue/check.h"
#include "queue/reason.h"
#include "queue/transfer.h"

static const char *const to_bob[] = { "bob@there.test", NULL };

/* Findings, "KIND PATH" and what was done, in the order of their kinds. */
struct seen {
	struct check_totals totals;
	char texts[CHECK_KINDS][400];
};

static void
keep(void *context, const struct check_finding *finding)
{
	struct seen *seen = context;

	snprintf(seen->texts[finding->kind], sizeof(seen->texts[0]),
	    "%s|%s|%s|%s", finding->path, finding->text, finding->about,
	    finding->mending);
}

static void
check(struct manager_fixture *f, bool is_repairing, struct seen *seen)
{
	const struct check_request request = { .spool_fd = f->spool_fd,
		.is_repairing = is_repairing,
		.each = keep,
		.context = seen };

	memset(seen, 0, sizeof(*seen));
	assert_true(check_queue(&request, &seen->totals, NULL));
}

static void
put_file(struct manager_fixture *f, const char *path, const char *text)
{
	int fd = openat(f->spool_fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_true(fs_write_all(fd, slice_of(text), NULL));
	close(fd);
}

/* One byte becomes another, or (at -1) the end is cut off. */
static void
spoil(struct manager_fixture *f, const char *path, off_t at)
{
	int fd = openat(f->spool_fd, path, O_RDWR);
	struct stat status;
	char byte;

	assert_int_equal(fstat(fd, &status), 0);
	if (at < 0) {
		assert_int_equal(ftruncate(fd, status.st_size - 1), 0);
	} else {
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	close(fd);
}

static bool
is_there(struct manager_fixture *f, const char *path)
{
	return faccessat(f->spool_fd, path, F_OK, 0) == 0;
}

static void
a_good_queue_has_no_findings(void **state)
{
	struct manager_fixture *f = *state;
	struct seen seen;

	put_message(f, "x@here.test", to_bob);
	put_message(f, "x@here.test", to_bob);
	check(f, true, &seen);
	assert_int_equal(seen.totals.messages, 2);
	assert_int_equal(check_open(&seen.totals), 0);
}

/* Each in its place, then mended, then nothing is left but bad/. */
static void
each_damage_is_found_and_mended(void **state)
{
	struct manager_fixture *f = *state;
	char good[SPOOL_PATH_SIZE], lost[SPOOL_PATH_SIZE], id[SPOOL_ID_SIZE],
	    wrong[SPOOL_PATH_SIZE], expected[400];
	struct seen seen;

	put_message(f, "x@here.test", to_bob);
	spool_path(f->id, good);
	memcpy(id, f->id, sizeof(id));
	put_message(f, "y@here.test", to_bob);
	spool_path(f->id, lost);
	snprintf(wrong, sizeof(wrong), "queue/%s/%s",
	    strncmp(lost + 6, "00", 2) == 0 ? "01" : "00", f->id);
	assert_int_equal(renameat(f->spool_fd, lost, f->spool_fd, wrong), 0);
	spoil(f, good, 4096);
	put_file(f, "queue/00/.unfinished", "x");
	put_file(f, "queue/00/hello", "x");
	snprintf(expected, sizeof(expected), "why%s", lost + 5);
	put_file(f, expected, "0 T 4.0.0 - x\n");
	put_file(f, "bad/dodo", "x");
	check(f, false, &seen);
	assert_int_equal(check_open(&seen.totals), 5);
	snprintf(expected, sizeof(expected),
	    "%s|body is damaged: wrong checksum|from=<x@here.test> "
	    "to=<bob@there.test>|",
	    good);
	assert_string_equal(seen.texts[CHECK_DAMAGED], expected);
	assert_string_equal(
	    seen.texts[CHECK_UNFINISHED], "queue/00/.unfinished|||");
	assert_string_equal(
	    seen.texts[CHECK_FOREIGN], "queue/00/hello|its name is no id||");
	assert_true(is_there(f, good) && is_there(f, wrong));
	/* Its message is in the wrong place, so these were seen as orphans. */
	assert_int_equal(seen.totals.counts[CHECK_ORPHAN], 1);
	check(f, true, &seen);
	assert_true(is_there(f, lost));
	assert_false(is_there(f, wrong) || is_there(f, good) ||
		     is_there(f, "queue/00/.unfinished"));
	check(f, false, &seen);
	assert_int_equal(seen.totals.messages, 1);
	assert_int_equal(seen.totals.counts[CHECK_BAD], 2);
	assert_int_equal(check_open(&seen.totals), 1); /* hello */
	/* What was set aside and is whole after all comes back. */
	snprintf(expected, sizeof(expected), "bad/%s", id);
	spoil(f, expected, 4096);
	check(f, true, &seen);
	assert_int_equal(seen.totals.counts[CHECK_WHOLE], 1);
	assert_int_equal(seen.totals.messages, 2);
	assert_true(is_there(f, good));
}

/* Every byte that a checksum covers; the others are what qmgr writes. */
static void
no_changed_byte_goes_unnoticed(void **state)
{
	struct manager_fixture *f = *state;
	char path[SPOOL_PATH_SIZE];
	struct stat status;
	struct seen seen;
	size_t quiet = 0;

	put_message(f, "x@here.test", to_bob);
	spool_path(f->id, path);
	assert_int_equal(fstatat(f->spool_fd, path, &status, 0), 0);
	for (off_t at = 0; at < status.st_size; at++) {
		spoil(f, path, at);
		check(f, false, &seen);
		if (seen.totals.counts[CHECK_DAMAGED] == 0)
			quiet++;
		spoil(f, path, at);
	}
	/* The scheduling slot. A status byte of another letter is damage. */
	assert_in_range(quiet, 1, 64);
	spoil(f, path, -1);
	check(f, false, &seen);
	assert_int_equal(seen.totals.counts[CHECK_DAMAGED], 1);
}

static void
what_is_being_written_is_left_alone(void **state)
{
	struct manager_fixture *f = *state;
	struct seen seen;
	int fd;

	put_file(f, "queue/00/.writing", "x");
	fd = openat(f->spool_fd, "queue/00/.writing", O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	check(f, true, &seen);
	assert_int_equal(check_open(&seen.totals), 0);
	assert_true(is_there(f, "queue/00/.writing"));
	close(fd);
}

struct outcomes {
	size_t counts[TRANSFER_OUTCOMES];
	char why[200];
};

static void
count(void *context, const char *id, enum transfer_outcome outcome,
    const char *why)
{
	struct outcomes *outcomes = context;

	(void)id;
	outcomes->counts[outcome]++;
	snprintf(outcomes->why, sizeof(outcomes->why), "%s", why);
}

static bool
import(struct manager_fixture *f, char *text, size_t length,
    struct outcomes *outcomes, struct why *why)
{
	const struct transfer transfer = { .spool_fd = f->spool_fd,
		.journal_life = 86400,
		.each = count,
		.context = outcomes };
	FILE *in = fmemopen(text, length, "r");
	bool ok;

	memset(outcomes, 0, sizeof(*outcomes));
	memset(why, 0, sizeof(*why));
	ok = transfer_import(&transfer, in, why);
	fclose(in);
	return ok;
}

/* The message that was put last, its file gone afterwards. */
static char *
export_and_remove(struct manager_fixture *f, size_t *length)
{
	char path[SPOOL_PATH_SIZE], *text = NULL;
	FILE *out = open_memstream(&text, length);
	int fd;

	spool_path(f->id, path);
	fd = openat(f->spool_fd, path, O_RDONLY);
	assert_true(transfer_begin(out, NULL));
	assert_true(transfer_put(out, f->spool_fd, fd, f->id, NULL));
	assert_true(transfer_end(out, 1, NULL));
	fclose(out);
	close(fd);
	assert_int_equal(unlinkat(f->spool_fd, path, 0), 0);
	reason_remove(f->spool_fd, f->id);
	return text;
}

static void
what_goes_out_comes_in_as_it_was_and_once(void **state)
{
	struct manager_fixture *f = *state;
	struct outcomes outcomes;
	struct buf reasons;
	char path[SPOOL_PATH_SIZE], *text;
	size_t length;
	struct seen seen;
	struct why why;

	put_message(f, "x@here.test", to_bob);
	reason_put(f->spool_fd, f->id, S("0 T 4.4.1 - nobody there\n"));
	text = export_and_remove(f, &length);
	assert_true(import(f, text, length, &outcomes, &why));
	assert_int_equal(outcomes.counts[TRANSFER_TAKEN], 1);
	check(f, false, &seen);
	assert_int_equal(seen.totals.messages, 1);
	buf_init(&reasons, REASON_FILE_MAX);
	reason_get(f->spool_fd, f->id, &reasons);
	assert_string_equal(buf_string(&reasons), "0 T 4.4.1 - nobody there\n");
	buf_free(&reasons);
	assert_true(import(f, text, length, &outcomes, &why));
	assert_int_equal(outcomes.counts[TRANSFER_KNOWN], 1);
	/* Nor after it was delivered. */
	spool_path(f->id, path);
	assert_int_equal(unlinkat(f->spool_fd, path, 0), 0);
	assert_true(import(f, text, length, &outcomes, &why));
	assert_int_equal(outcomes.counts[TRANSFER_KNOWN], 1);
	free(text);
}

static void
a_damaged_message_is_refused_and_a_cut_stream_told(void **state)
{
	struct manager_fixture *f = *state;
	struct outcomes outcomes;
	size_t length, body;
	struct why why;
	char *text;

	put_message(f, "x@here.test", to_bob);
	text = export_and_remove(f, &length);
	for (size_t cut = 0; cut < length; cut += 97) {
		assert_false(import(f, text, cut + 1, &outcomes, &why));
		assert_int_equal(outcomes.counts[TRANSFER_TAKEN], 0);
		assert_true(why.text[0] != '\0');
	}
	body = (size_t)(strchr(strchr(text, '\n') + 1, '\n') - text) + 1;
	text[body + 4096] ^= 1;
	assert_true(import(f, text, length, &outcomes, &why));
	assert_int_equal(outcomes.counts[TRANSFER_REFUSED], 1);
	assert_string_equal(outcomes.why, "body is damaged: wrong checksum");
	text[0] = 'X';
	assert_false(import(f, text, length, &outcomes, &why));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_good_queue_has_no_findings,
		    manager_setup, manager_teardown),
		cmocka_unit_test_setup_teardown(each_damage_is_found_and_mended,
		    manager_setup, manager_teardown),
		cmocka_unit_test_setup_teardown(no_changed_byte_goes_unnoticed,
		    manager_setup, manager_teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_being_written_is_left_alone, manager_setup,
		    manager_teardown),
		cmocka_unit_test_setup_teardown(
		    what_goes_out_comes_in_as_it_was_and_once, manager_setup,
		    manager_teardown),
		cmocka_unit_test_setup_teardown(
		    a_damaged_message_is_refused_and_a_cut_stream_told,
		    manager_setup, manager_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
