/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/fsutil.h"

#include "queue/drop.h"
#include "queue/pickup.h"
#include "queue/sendmail.h"
#include "queue/sendmail_options.h"

/* pickup starts enqueue; nothing is started here. */
const struct program program_table[] = {
	{ NULL, NULL },
};

struct fixture {
	char path[64];
	char names[2][32];
	struct settings settings;
	struct arena *arena;
};

static int
setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	char drop[96];

	snprintf(f->path, sizeof(f->path), "/tmp/test_submit.XXXXXX");
	if (mkdtemp(f->path) == NULL)
		return -1;
	snprintf(drop, sizeof(drop), "%s/drop", f->path);
	snprintf(f->names[0], sizeof(f->names[0]), "here.test");
	f->settings.queue_directory = f->path;
	f->settings.hostname = f->settings.origin = f->names[0];
	f->settings.message_size_limit = 100000;
	f->arena = arena_new("test", 1 << 20);
	*state = f;
	return mkdir(drop, 0700);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int status = remove_folder(f->path);

	arena_free(&f->arena);
	test_free(f);
	return status;
}

static void
drop_files_are_read_as_they_were_written(void **state)
{
	struct slice recipients[] = { SLICE("a@b.test"), SLICE("root") };
	struct drop drop = { .sender = S("me@here.test"),
		.recipient_count = 2,
		.recipients = recipients,
		.is_8bit = true };
	struct fixture *f = *state;
	struct drop back;
	struct buf bytes;
	struct why why;

	buf_init(&bytes, 4096);
	assert_true(drop_format(&drop, &bytes));
	buf_add_string(&bytes, "Subject: x\r\n");
	assert_true(drop_parse(buf_slice(&bytes), f->arena, &back, &why));
	assert_slice_equal(back.sender, drop.sender);
	assert_int_equal(back.recipient_count, 2);
	assert_slice_equal(back.recipients[1], S("root"));
	assert_true(back.is_8bit);
	assert_slice_equal(slice_from(buf_slice(&bytes), back.message_offset),
	    S("Subject: x\r\n"));
	for (size_t len = 0; len < back.message_offset; len++) {
		struct drop part;

		assert_false(drop_parse(slice_first(buf_slice(&bytes), len),
		    f->arena, &part, &why));
	}
	buf_free(&bytes);
}

static void
malformed_drop_files_are_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"junk",
		"MERPATI-DROP 2\nS0:\nR1:a\nM\n",
		"MERPATI-DROP 1\nR1:a\nM\n",
		"MERPATI-DROP 1\nS0:\nM\n",
		"MERPATI-DROP 1\nS0:\nR0:\nM\n",
		"MERPATI-DROP 1\nS0:\nR2:a\nM\n",
		"MERPATI-DROP 1\nS0:\nR1:ab\nM\n",
		"MERPATI-DROP 1\nS-1:\nR1:a\nM\n",
		"MERPATI-DROP 1\nS99999999999:\nR1:a\nM\n",
		"MERPATI-DROP 1\nS0:\nR3:a\nb\nM\n",
		"MERPATI-DROP 1\nS0:\nR1:a\nX\nM\n",
		"MERPATI-DROP 1\nS0:\nR1:a\n",
	};
	struct fixture *f = *state;
	struct drop drop;
	struct why why;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_false(
		    drop_parse(slice_of(cases[i]), f->arena, &drop, &why));
}

static void
names_of_whole_files_are_recognised(void **state)
{
	(void)state;
	assert_true(drop_name_is_valid(S("d6C32CTKF7JB1C")));
	assert_false(drop_name_is_valid(S(".6C32CTKF7JB1C")));
	assert_false(drop_name_is_valid(S("d6C32CTKF7JB1")));
	assert_false(drop_name_is_valid(S("d../../../etc/")));
	assert_false(drop_name_is_valid(S("..")));
}

static void
a_drop_file_always_has_the_same_queue_id(void **state)
{
	struct stat status = { .st_ino = 7, .st_uid = 1000 };
	char first[SPOOL_ID_SIZE], second[SPOOL_ID_SIZE];

	(void)state;
	status.st_mtim.tv_sec = 1700000000;
	pickup_id("d6C32CTKF7JB1C", &status, first);
	pickup_id("d6C32CTKF7JB1C", &status, second);
	assert_true(spool_id_is_valid(slice_of(first)));
	assert_string_equal(first, second);
	status.st_uid = 1001;
	pickup_id("d6C32CTKF7JB1C", &status, second);
	assert_string_not_equal(first, second);
}

/* The command lines of programs that people have. */
static const struct {
	const char *argv[10];
	enum sendmail_mode mode;
	bool has_t, ignores_dots;
	const char *sender, *name, *operand;
	int operands;
} callers[] = {
	{ { "sendmail", "-t", "-i" }, SENDMAIL_SUBMIT, true, true, NULL, NULL,
	    NULL, 0 },
	{ { "sendmail", "-ti" }, SENDMAIL_SUBMIT, true, true, NULL, NULL, NULL,
	    0 },
	{ { "sendmail", "-oi", "-f", "x@y", "-t" }, SENDMAIL_SUBMIT, true, true,
	    "x@y", NULL, NULL, 0 },
	{ { "sendmail", "-oem", "-oi", "-f", "x", "--", "-r" }, SENDMAIL_SUBMIT,
	    false, true, "x", NULL, "-r", 1 },
	{ { "sendmail", "-FCronDaemon", "-odi", "-oem", "-oi", "-t" },
	    SENDMAIL_SUBMIT, true, true, NULL, "CronDaemon", NULL, 0 },
	{ { "sendmail", "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root" },
	    SENDMAIL_SUBMIT, false, true, NULL, "CronDaemon", "root", 1 },
	{ { "sendmail", "-f<>", "x" }, SENDMAIL_SUBMIT, false, false, "<>",
	    NULL, "x", 1 },
	{ { "sendmail", "-f", "", "x", "y" }, SENDMAIL_SUBMIT, false, false, "",
	    NULL, "x", 2 },
	{ { "sendmail", "-f", "s", "d" }, SENDMAIL_SUBMIT, false, false, "s",
	    NULL, "d", 1 },
	{ { "sendmail", "-bs" }, SENDMAIL_SMTP, false, false, NULL, NULL, NULL,
	    0 },
	{ { "sendmail", "-N", "success,failure", "-R", "hdrs", "-V", "id",
	      "a" },
	    SENDMAIL_SUBMIT, false, false, NULL, NULL, "a", 1 },
	{ { "sendmail", "-X", "/etc/passwd", "-OQueueDirectory=/tmp", "a" },
	    SENDMAIL_SUBMIT, false, false, NULL, NULL, "a", 1 },
	{ { "sendmail", "-q" }, SENDMAIL_FLUSH, false, false, NULL, NULL, NULL,
	    0 },
	{ { "/usr/bin/newaliases" }, SENDMAIL_ALIASES, false, false, NULL, NULL,
	    NULL, 0 },
	{ { "mailq" }, SENDMAIL_LIST, false, false, NULL, NULL, NULL, 0 },
	{ { "sendmail", "-bp" }, SENDMAIL_LIST, false, false, NULL, NULL, NULL,
	    0 },
	{ { "sendmail", "-bv", "a" }, SENDMAIL_VERIFY, false, false, NULL, NULL,
	    "a", 1 },
};

static void
known_callers_are_understood(void **state)
{
	struct sendmail_options options;
	char copies[10][32], *argv[11];
	struct why why;
	int argc;

	(void)state;
	for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
		for (argc = 0; argc < 10 && callers[i].argv[argc] != NULL;
		     argc++) {
			snprintf(copies[argc], sizeof(copies[argc]), "%s",
			    callers[i].argv[argc]);
			argv[argc] = copies[argc];
		}
		argv[argc] = NULL;
		assert_true(
		    sendmail_options_parse(argc, argv, false, &options, &why));
		assert_int_equal(options.mode, callers[i].mode);
		assert_int_equal(
		    options.has_header_recipients, callers[i].has_t);
		assert_int_equal(options.ignores_dots, callers[i].ignores_dots);
		assert_int_equal(options.has_sender, callers[i].sender != NULL);
		if (callers[i].sender != NULL)
			assert_string_equal(options.sender, callers[i].sender);
		if (callers[i].name != NULL)
			assert_string_equal(options.full_name, callers[i].name);
		assert_int_equal(options.operand_count, callers[i].operands);
		if (callers[i].operand != NULL)
			assert_string_equal(
			    options.operands[0], callers[i].operand);
	}
}

static void
line_ends_become_crlf_whatever_the_pieces(void **state)
{
	static const struct {
		const char *text;
		bool ignores_dots;
		const char *expected;
	} cases[] = {
		{ "a\nb\r\nc\rd", true, "a\r\nb\r\nc\r\nd\r\n" },
		{ "a\n.\nb\n", false, "a\r\n" },
		{ "a\n.\nb\n", true, "a\r\n.\r\nb\r\n" },
		{ "a\n..\n", false, "a\r\n..\r\n" },
		{ "\r\n\r\n", true, "\r\n\r\n" },
		{ "", true, "" },
	};
	struct text_filter filter;
	struct slice rest;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t size = 1; size < 8; size++) {
			buf_clear(&out);
			text_filter_init(&filter, cases[i].ignores_dots);
			rest = slice_of(cases[i].text);
			for (; rest.len > 0; rest = slice_from(rest, size))
				assert_true(text_filter_feed(
				    &filter, slice_first(rest, size), &out));
			assert_true(text_filter_end(&filter, &out));
			assert_string_equal(
			    buf_string(&out), cases[i].expected);
			text_filter_free(&filter);
		}
	buf_free(&out);
}

static int
submit(struct fixture *f, const struct sendmail_options *options,
    const char *text, struct why *why)
{
	char path[96];
	int fd, status;

	snprintf(path, sizeof(path), "%s/input", f->path);
	assert_true(fs_replace(AT_FDCWD, path, slice_of(text), 0600, why));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	memset(why, 0, sizeof(*why));
	status = sendmail_submit(&f->settings, options, fd, why);
	close(fd);
	return status;
}

static void
exit_codes_are_those_of_sysexits(void **state)
{
	struct sendmail_options options = { .has_sender = true,
		.sender = "me@here.test",
		.has_header_recipients = true };
	struct fixture *f = *state;
	char missing[] = "/nonexistent/spool", *saved;
	struct why why;

	assert_int_equal(
	    submit(f, &options, "To: a@b.test\nBcc: c@d.test\n\nx\n", &why),
	    EX_OK);
	assert_int_equal(
	    submit(f, &options, "Subject: nobody\n\nx\n", &why), EX_DATAERR);
	assert_true(why.text[0] != '\0');
	options.has_header_recipients = false;
	assert_int_equal(submit(f, &options, "x\n", &why), EX_USAGE);
	options.has_header_recipients = true;
	options.sender = "a@b.test, c@d.test";
	assert_int_equal(
	    submit(f, &options, "To: a@b.test\n\n", &why), EX_DATAERR);
	options.sender = "<>";
	f->settings.message_size_limit = 10;
	assert_int_equal(
	    submit(f, &options, "To: a@b.test\n\nmore than ten bytes\n", &why),
	    EX_DATAERR);
	saved = f->settings.queue_directory;
	f->settings.queue_directory = missing;
	assert_int_equal(
	    submit(f, &options, "To: a@b.test\n\n", &why), EX_CANTCREAT);
	f->settings.queue_directory = saved;
}

static void
full_disks_ask_the_caller_to_try_again(void **state)
{
	static const int errors[] = { 28 /* ENOSPC */, 5 /* EIO */ };
	struct why why = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		why.error = errors[i];
		assert_int_equal(sendmail_exit_code(&why), EX_TEMPFAIL);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(drop_files_are_read_as_they_were_written),
		TEST(malformed_drop_files_are_refused),
		cmocka_unit_test(names_of_whole_files_are_recognised),
		cmocka_unit_test(a_drop_file_always_has_the_same_queue_id),
		cmocka_unit_test(known_callers_are_understood),
		cmocka_unit_test(line_ends_become_crlf_whatever_the_pieces),
		TEST(exit_codes_are_those_of_sysexits),
		cmocka_unit_test(full_disks_ask_the_caller_to_try_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
