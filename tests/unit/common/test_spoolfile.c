/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/fsutil.h"
#include "common/spooldir.h"
#include "common/spoolfile.h"

struct fixture {
	char path[64];
	struct settings settings;
	struct arena *arena;
	int spool_fd;
};

static int
setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	char bucket[SPOOL_PATH_SIZE];

	snprintf(f->path, sizeof(f->path), "/tmp/test_spool.XXXXXX");
	if (mkdtemp(f->path) == NULL)
		return -1;
	f->settings.queue_directory = f->path;
	f->arena = arena_new("test", 1 << 20);
	f->spool_fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	if (f->spool_fd < 0 || mkdirat(f->spool_fd, "queue", 0700) < 0)
		return -1;
	for (unsigned int i = 0; i < SPOOL_BUCKETS; i++) {
		snprintf(bucket, sizeof(bucket), "queue/%02x", i);
		if (mkdirat(f->spool_fd, bucket, 0700) < 0)
			return -1;
	}
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	close(f->spool_fd);
	arena_free(&f->arena);
	remove_folder(f->path);
	test_free(f);
	return 0;
}

/* A message with two recipients and the given body; its id in id. */
static bool
write_message(struct fixture *f, struct slice body, char id[SPOOL_ID_SIZE],
    struct why *why)
{
	struct spool_recipient recipients[2] = {
		{ .status = RECIPIENT_TODO,
		    .kind = TARGET_MAILBOX,
		    .address = S("alice@here.test"),
		    .original = S("info@here.test"),
		    .extension = S("tag"),
		    .user = { .name = "alice" } },
		{ .status = RECIPIENT_TODO,
		    .kind = TARGET_REMOTE,
		    .address = S("bob@there.test"),
		    .original = S("bob@there.test") },
	};
	struct spool_message message = { .flags = SPOOL_8BIT,
		.created = 1700000000,
		.sender = S("me@there.test"),
		.login = S("alice"),
		.helo = S("client.test"),
		.peer = S("[192.0.2.1]"),
		.recipient_count = 2,
		.recipients = recipients };
	struct spool_writer *writer = spool_writer_open(f->spool_fd, why);
	bool ok = writer != NULL &&
		  spool_writer_envelope(writer, &message, why) &&
		  spool_writer_body(writer, body, why) &&
		  spool_writer_commit(writer, NULL, id, why);

	spool_writer_close(&writer);
	return ok;
}

static struct slice
read_whole(struct fixture *f, const char *id, struct buf *out)
{
	char path[SPOOL_PATH_SIZE];
	struct why why;

	spool_path(id, path);
	buf_init(out, 1 << 20);
	assert_true(fs_read_file(f->spool_fd, path, out, &why));
	return buf_slice(out);
}

static void
what_is_written_is_read(void **state)
{
	struct fixture *f = *state;
	struct spool_message message;
	char id[SPOOL_ID_SIZE], path[SPOOL_PATH_SIZE];
	struct why why = { 0 };
	struct stat status;
	int fd;

	assert_true(
	    write_message(f, S("Subject: x\r\n\r\nhello\r\n"), id, &why));
	spool_path(id, path);
	fd = openat(f->spool_fd, path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(spool_verify(fd, &why), RESULT_OK);
	assert_int_equal(
	    spool_read(fd, id, f->arena, &message, &why), RESULT_OK);
	assert_string_equal(message.id, id);
	assert_int_equal(message.created, 1700000000);
	assert_int_equal(message.flags, SPOOL_8BIT);
	assert_slice_equal(message.sender, S("me@there.test"));
	assert_slice_equal(message.login, S("alice"));
	assert_slice_equal(message.helo, S("client.test"));
	assert_slice_equal(message.peer, S("[192.0.2.1]"));
	assert_int_equal(message.recipient_count, 2);
	assert_slice_equal(message.recipients[0].original, S("info@here.test"));
	assert_slice_equal(message.recipients[0].extension, S("tag"));
	assert_string_equal(message.recipients[0].user.name, "alice");
	assert_int_equal(message.recipients[1].kind, TARGET_REMOTE);
	assert_int_equal(message.body_length, 21);
	assert_int_equal(message.body_offset, 4096);
	assert_int_equal(message.schedule.attempts, 0);
	close(fd);
}

static void
marks_and_schedule_leave_the_checksum_right(void **state)
{
	struct fixture *f = *state;
	struct spool_schedule schedule = {
		.attempts = 3, .next = 1700001000, .flags = SCHEDULE_HOLD
	};
	struct spool_message message;
	char id[SPOOL_ID_SIZE], path[SPOOL_PATH_SIZE];
	struct why why = { 0 };
	int fd;

	assert_true(write_message(f, S("x\r\n"), id, &why));
	spool_path(id, path);
	fd = openat(f->spool_fd, path, O_RDWR | O_CLOEXEC);
	assert_true(spool_mark(fd, 1, RECIPIENT_DONE, &why));
	assert_true(spool_write_schedule(fd, &schedule, &why));
	assert_int_equal(spool_verify(fd, &why), RESULT_OK);
	assert_int_equal(
	    spool_read(fd, id, f->arena, &message, &why), RESULT_OK);
	assert_int_equal(message.recipients[0].status, RECIPIENT_TODO);
	assert_int_equal(message.recipients[1].status, RECIPIENT_DONE);
	assert_int_equal(message.schedule.attempts, 3);
	assert_int_equal(message.schedule.next, 1700001000);
	assert_int_equal(message.schedule.flags, SCHEDULE_HOLD);
	close(fd);
}

static void
every_truncation_is_refused(void **state)
{
	struct fixture *f = *state;
	struct spool_message message;
	char id[SPOOL_ID_SIZE];
	struct slice file;
	struct buf buf;
	struct why why;

	assert_true(write_message(f, S("a body of a few bytes\r\n"), id, &why));
	file = read_whole(f, id, &buf);
	assert_int_equal(
	    spool_parse(file, f->arena, &message, &why), RESULT_OK);
	for (size_t len = 0; len < file.len; len++)
		assert_int_equal(spool_parse(slice_first(file, len), f->arena,
				     &message, &why),
		    RESULT_NEVER);
	buf_free(&buf);
}

static void
every_flipped_bit_is_refused(void **state)
{
	struct fixture *f = *state;
	struct spool_message message;
	char id[SPOOL_ID_SIZE];
	struct slice file;
	struct buf buf;
	struct why why;

	assert_true(write_message(f, S("a body of a few bytes\r\n"), id, &why));
	file = read_whole(f, id, &buf);
	for (size_t at = 0; at < file.len; at++) {
		/* The scheduling slot and the two status bytes change. */
		if ((at >= 64 && at < 128) || at == 128 || at == 144)
			continue;
		for (unsigned int bit = 0; bit < 8; bit++) {
			buf.ptr[at] ^= (char)(1u << bit);
			arena_reset(f->arena);
			assert_int_equal(
			    spool_parse(file, f->arena, &message, &why),
			    RESULT_NEVER);
			buf.ptr[at] ^= (char)(1u << bit);
		}
	}
	buf.ptr[70] ^= 1;
	assert_int_equal(
	    spool_parse(file, f->arena, &message, &why), RESULT_OK);
	assert_int_equal(message.schedule.next, 0);
	buf_free(&buf);
}

static void
a_large_body_is_streamed(void **state)
{
	struct fixture *f = *state;
	size_t size = 300000;
	char *bytes = test_malloc(size), id[SPOOL_ID_SIZE];
	char path[SPOOL_PATH_SIZE];
	struct why why;
	int fd;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(i * 7);
	assert_true(write_message(f, slice_make(bytes, size), id, &why));
	spool_path(id, path);
	fd = openat(f->spool_fd, path, O_RDWR | O_CLOEXEC);
	assert_int_equal(spool_verify(fd, &why), RESULT_OK);
	assert_true(fs_write_at(fd, S("!"), 4096 + 250000, &why));
	assert_int_equal(spool_verify(fd, &why), RESULT_NEVER);
	close(fd);
	test_free(bytes);
}

static size_t
count_files(struct fixture *f)
{
	char path[SPOOL_PATH_SIZE], name[128];
	size_t count = 0;

	for (unsigned int i = 0; i < SPOOL_BUCKETS; i++) {
		struct dirent *entry;
		DIR *directory;

		snprintf(path, sizeof(path), "queue/%02x", i);
		snprintf(name, sizeof(name), "%s/%s", f->path, path);
		directory = opendir(name);
		assert_non_null(directory);
		while ((entry = readdir(directory)) != NULL)
			count += strcmp(entry->d_name, ".") != 0 &&
				 strcmp(entry->d_name, "..") != 0;
		closedir(directory);
	}
	return count;
}

static void
an_abandoned_writer_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct spool_recipient recipient = { .status = RECIPIENT_TODO,
		.kind = TARGET_REMOTE,
		.address = S("b@there.test"),
		.original = S("b@there.test") };
	struct spool_message message = { .recipient_count = 1,
		.recipients = &recipient };
	char *bytes = test_calloc(1, 200000);
	struct spool_writer *writer;
	struct why why;

	writer = spool_writer_open(f->spool_fd, &why);
	assert_true(spool_writer_envelope(writer, &message, &why));
	assert_true(spool_writer_body(writer, slice_make(bytes, 200000), &why));
	assert_int_equal(count_files(f), 1);
	spool_writer_close(&writer);
	assert_int_equal(count_files(f), 0);
	test_free(bytes);
}

static void
a_fixed_id_is_taken_once(void **state)
{
	struct fixture *f = *state;
	struct spool_recipient recipient = { .status = RECIPIENT_TODO,
		.kind = TARGET_REMOTE,
		.address = S("b@there.test"),
		.original = S("b@there.test") };
	struct spool_message message = { .recipient_count = 1,
		.recipients = &recipient };
	char id[SPOOL_ID_SIZE];
	struct why why = { 0 };

	for (int round = 0; round < 4; round++) {
		struct spool_writer *writer =
		    spool_writer_open(f->spool_fd, &why);
		bool is_named_early = round < 2;
		bool ok;

		if (is_named_early)
			assert_true(
			    spool_writer_set_id(writer, "0123456789ABC"));
		assert_true(spool_writer_envelope(writer, &message, &why));
		ok = spool_writer_commit(
		    writer, is_named_early ? NULL : "0123456789ABC", id, &why);
		assert_int_equal(ok, round == 0);
		if (!ok)
			assert_int_equal(why.error, EEXIST);
		spool_writer_close(&writer);
	}
	assert_int_equal(count_files(f), 1);
}

static void
the_writer_mark_holds_until_close(void **state)
{
	struct fixture *f = *state;
	struct spool_recipient recipient = { .status = RECIPIENT_TODO,
		.kind = TARGET_REMOTE,
		.address = S("b@there.test"),
		.original = S("b@there.test") };
	struct spool_message message = { .recipient_count = 1,
		.recipients = &recipient };
	char id[SPOOL_ID_SIZE], path[SPOOL_PATH_SIZE];
	struct spool_writer *writer = spool_writer_open(f->spool_fd, NULL);
	struct why why;
	int fd;

	assert_true(spool_writer_envelope(writer, &message, &why));
	assert_true(spool_writer_commit(writer, NULL, id, &why));
	spool_path(id, path);
	fd = openat(f->spool_fd, path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), -1);
	spool_writer_close(&writer);
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
	close(fd);
}

static void
control_characters_never_get_into_an_envelope(void **state)
{
	static const char *const addresses[] = { "a\nb@there.test",
		"a\r@b.test", "a\x7f@b.test", "\x01" };
	struct fixture *f = *state;
	struct why why;

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct spool_recipient recipient = { .status = 'T',
			.kind = 'R',
			.address = slice_of(addresses[i]) };
		struct spool_message message = { .recipient_count = 1,
			.recipients = &recipient };
		struct spool_writer *writer =
		    spool_writer_open(f->spool_fd, &why);

		assert_false(spool_writer_envelope(writer, &message, &why));
		spool_writer_close(&writer);
	}
}

/* The same recipient with these options; what was read back in message. */
static bool
write_options(struct fixture *f, const struct mail_options *mail,
    const struct rcpt_options *rcpt, struct spool_message *back)
{
	struct spool_recipient recipient = { .status = RECIPIENT_TODO,
		.kind = TARGET_REMOTE,
		.address = S("b@there.test"),
		.original = S("b@there.test"),
		.options = *rcpt };
	struct spool_message message = {
		.options = *mail, .recipient_count = 1, .recipients = &recipient
	};
	char id[SPOOL_ID_SIZE];
	struct why why = { 0 };
	struct spool_writer *writer = spool_writer_open(f->spool_fd, &why);
	bool ok = spool_writer_envelope(writer, &message, &why) &&
		  spool_writer_commit(writer, NULL, id, &why);
	struct slice file;
	struct buf buf;

	spool_writer_close(&writer);
	if (!ok)
		return false;
	arena_reset(f->arena);
	file = arena_slice(f->arena, read_whole(f, id, &buf));
	buf_free(&buf);
	assert_int_equal(spool_parse(file, f->arena, back, &why), RESULT_OK);
	return true;
}

static void
options_travel_whole(void **state)
{
	const struct mail_options mail = { .flags = MAIL_BINARY |
						    MAIL_REQUIRETLS |
						    MAIL_RET_HEADERS |
						    MAIL_BY_NOTIFY,
		.priority = -4,
		.hold_until = 1800000000,
		.deliver_by = 1800000060,
		.envelope_id = S("QQ314159 x") };
	const struct rcpt_options rcpt = { .notify =
					       NOTIFY_SUCCESS | NOTIFY_DELAY,
		.original = S("rfc822;Bob@there.test") };
	struct spool_message back;

	assert_true(write_options(*state, &mail, &rcpt, &back));
	assert_int_equal(back.options.flags, mail.flags);
	assert_int_equal(back.options.priority, -4);
	assert_int_equal(back.options.hold_until, 1800000000);
	assert_int_equal(back.options.deliver_by, 1800000060);
	assert_slice_equal(back.options.envelope_id, mail.envelope_id);
	assert_int_equal(back.recipients[0].options.notify, rcpt.notify);
	assert_slice_equal(back.recipients[0].options.original, rcpt.original);
}

static void
defaults_are_not_written(void **state)
{
	const struct mail_options mail = { .envelope_id = S("") };
	const struct rcpt_options rcpt = { .original = S("") };
	struct spool_message back;

	assert_true(write_options(*state, &mail, &rcpt, &back));
	assert_int_equal(back.options.flags, 0);
	assert_int_equal(back.options.envelope_id.len, 0);
	assert_int_equal(back.recipients[0].options.notify, 0);
	assert_int_equal(back.recipients[0].options.original.len, 0);
}

static void
options_that_are_not_valid_are_not_written(void **state)
{
	const struct mail_options good = { .flags = 0 };
	const struct mail_options bad = { .flags = MAIL_FLAGS_ALL + 1 };
	const struct rcpt_options plain = { .notify = 0 };
	const struct rcpt_options odd = { .notify =
					      NOTIFY_NEVER | NOTIFY_DELAY };
	struct spool_message back;

	assert_false(write_options(*state, &bad, &plain, &back));
	assert_false(write_options(*state, &good, &odd, &back));
}

static void
ids_are_valid_and_sort_by_time(void **state)
{
	char last[SPOOL_ID_SIZE] = "", id[SPOOL_ID_SIZE];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		spool_id_make(id);
		assert_true(spool_id_is_valid(slice_of(id)));
		assert_true(strcmp(last, id) <= 0);
		memcpy(last, id, sizeof(id));
	}
	spool_id_from(1700000000000000, 1, last);
	spool_id_from(1700000000000000, 2, id);
	assert_string_not_equal(id, last);
	spool_id_from(4102444800000000, 4095, id);
	assert_true(strcmp(last, id) < 0);
	assert_false(spool_id_is_valid(S("0123456789ABI")));
	assert_false(spool_id_is_valid(S("0123456789AB")));
	assert_false(spool_id_is_valid(S("../../../etc/")));
}

static void
directories_are_made_and_checked(void **state)
{
	struct fixture *f = *state;
	char drop[96];
	struct why why = { 0 };

	if (geteuid() == 0)
		skip();
	assert_true(spool_make_directories(&f->settings, &why));
	assert_true(spool_make_directories(&f->settings, &why));
	assert_true(spool_check(&f->settings, &why));
	snprintf(drop, sizeof(drop), "%s/drop", f->path);
	assert_int_equal(chmod(drop, 0777), 0);
	assert_false(spool_check(&f->settings, &why));
}

static void
a_reserve_refuses_early(void **state)
{
	struct fixture *f = *state;
	struct why why = { 0 };

	assert_true(spool_has_room(f->spool_fd, 1, &why));
	assert_false(spool_has_room(f->spool_fd, UINT64_MAX / 2, &why));
	assert_int_equal(why.error, ENOSPC);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_read),
		TEST(marks_and_schedule_leave_the_checksum_right),
		TEST(every_truncation_is_refused),
		TEST(every_flipped_bit_is_refused),
		TEST(a_large_body_is_streamed),
		TEST(an_abandoned_writer_leaves_nothing),
		TEST(a_fixed_id_is_taken_once),
		TEST(the_writer_mark_holds_until_close),
		TEST(control_characters_never_get_into_an_envelope),
		TEST(options_travel_whole),
		TEST(defaults_are_not_written),
		TEST(options_that_are_not_valid_are_not_written),
		cmocka_unit_test(ids_are_valid_and_sort_by_time),
		TEST(directories_are_made_and_checked),
		TEST(a_reserve_refuses_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
