/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include "common/io.h"
#include "common/mailbox/dotlock.h"
#include "common/mailbox/keywords.h"
#include "common/mailbox/maildir.h"
#include "common/mailbox/mutf7.h"
#include "common/mailbox/uidlist.h"
#include "common/mailbox/uidvalidity.h"
#include "tests/unit/common/mailbox/scratch.h"

static int
make(void **state)
{
	struct scratch *scratch = malloc(sizeof(*scratch));

	scratch_make(scratch);
	*state = scratch;
	return 0;
}

static int
unmake(void **state)
{
	scratch_remove(*state);
	free(*state);
	return 0;
}

static void
damage_costs_no_uid_that_can_be_read(void **state)
{
	static const struct {
		const char *text;
		uint32_t uidvalidity, next;
		size_t count;
		bool is_damaged;
	} cases[] = {
		{ "3 V7 N1 Gaa\n", 7, 1, 0, false },
		{ "3 V7 N9 Gaa\n1 :a\n3 W5 Pold :b\n", 7, 9, 2, false },
		{ "3 N2 Xq V7\n5 :a\n", 7, 6, 1, false },
		{ "3 V7 N1 G\n1 :a\n1 :b\n2 :c\n", 7, 3, 2, true },
		{ "3 V7 N1 G\n5 :a\n3 :b\n", 7, 6, 1, true },
		{ "3 V7 N1 G\n5 :a\nrubbish\n\n6 :b\n", 7, 7, 2, true },
		{ "3 V7 N1 G\n1 :a/b\n2 :\n3 lower :x\n4 :d\n", 7, 5, 1, true },
		{ "3 V7 N1 G\n4294967295 :a\n", 7, 1, 0, true },
		{ "3 V7 N1 G\n1 :a\n2 :to", 7, 2, 1, false },
		{ "3 V0 N1 G\n1 :a\n", 0, 1, 0, true },
		{ "3 V7\n", 7, 1, 0, false },
		{ "2 V7 N1\n1 :a\n", 0, 1, 0, true },
		{ "\n", 0, 1, 0, true },
		{ "", 0, 1, 0, false },
		{ "1 1700000000 4\n1 x.h\n3 y.h:2,S\n", 1700000000, 4, 2,
		    true },
		{ "1 x 4\n1 x.h\n", 0, 1, 0, true },
	};
	struct uidlist list;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uidlist_init(&list);
		uidlist_parse(&list, slice_of(cases[i].text));
		assert_int_equal(list.uidvalidity, cases[i].uidvalidity);
		assert_int_equal(list.next, cases[i].next);
		assert_int_equal(list.count, cases[i].count);
		assert_int_equal(list.is_damaged, cases[i].is_damaged);
		uidlist_clear(&list);
	}
}

static void
foreign_fields_survive_a_rewrite(void **state)
{
	static const char text[] = "3 V7 N9 Gaa Kpriv\n"
				   "1 S5 Zq :a,b\n"
				   "4 P :c\n";
	struct uidlist list;
	struct slice value;
	struct buf out;

	(void)state;
	uidlist_init(&list);
	buf_init(&out, 4096);
	uidlist_parse(&list, slice_of(text));
	assert_true(uidlist_format(&list, &out));
	assert_slice_equal(buf_slice(&out), slice_of(text));
	assert_true(uidlist_field(uidlist_find(&list, S("c")), 'P', &value));
	assert_int_equal(value.len, 0);
	assert_true(uidlist_field(uidlist_find(&list, S("a,b")), 'S', &value));
	assert_slice_equal(value, S("5"));
	assert_false(uidlist_field(uidlist_find(&list, S("a,b")), 'P', &value));
	buf_free(&out);
	uidlist_clear(&list);
}

static void
lines_are_appended_and_others_seen(void **state)
{
	struct scratch *scratch = *state;
	struct uidlist list, other;
	char text[4096];
	struct why why;

	uidlist_init(&list);
	uidlist_init(&other);
	scratch_write(scratch, "dovecot-uidlist", "3 V7 N1 Gx\n1 :a\n");
	assert_true(uidlist_read(&list, scratch->fd, &why));
	assert_true(uidlist_read(&other, scratch->fd, &why));
	assert_true(uidlist_lock(scratch->fd, &why));
	assert_int_equal(uidlist_assign(&list, S("b"))->uid, 2);
	assert_true(uidlist_save(&list, scratch->fd, 1, &why));
	uidlist_unlock(scratch->fd);
	scratch_read(scratch, "dovecot-uidlist", text);
	assert_string_equal(text, "3 V7 N1 Gx\n1 :a\n2 :b\n");
	assert_true(uidlist_read(&other, scratch->fd, &why));
	assert_int_equal(uidlist_find(&other, S("b"))->uid, 2);
	/* Dead entries go at a rewrite, the next UID stays. */
	uidlist_find(&list, S("b"))->is_gone = true;
	assert_true(uidlist_rewrite(&list, scratch->fd, &why));
	assert_true(uidlist_read(&other, scratch->fd, &why));
	assert_int_equal(other.count, 1);
	assert_int_equal(other.next, 3);
	uidlist_clear(&list);
	uidlist_clear(&other);
}

static void
torn_last_line_leads_to_a_rewrite(void **state)
{
	struct scratch *scratch = *state;
	struct uidlist list;
	char text[4096];
	struct why why;

	uidlist_init(&list);
	scratch_write(scratch, "dovecot-uidlist", "3 V7 N5 Gx\n1 :a\n6 :to");
	assert_true(uidlist_read(&list, scratch->fd, &why));
	assert_int_equal(uidlist_assign(&list, S("b"))->uid, 5);
	assert_true(uidlist_save(&list, scratch->fd, 1, &why));
	scratch_read(scratch, "dovecot-uidlist", text);
	assert_string_equal(text, "3 V7 N6 Gx\n1 :a\n5 :b\n");
	uidlist_clear(&list);
}

static void
courier_list_is_taken_over(void **state)
{
	struct scratch *scratch = *state;
	struct uidlist list;
	char text[4096];
	struct why why;

	uidlist_init(&list);
	scratch_write(scratch, "courierimapuiddb", "1 42 9\n3 a.h\n8 b.h\n");
	assert_true(uidlist_read(&list, scratch->fd, &why));
	assert_int_equal(uidlist_assign(&list, S("c.h"))->uid, 9);
	assert_true(uidlist_save(&list, scratch->fd, 2, &why));
	scratch_read(scratch, "dovecot-uidlist", text);
	assert_memory_equal(text, "3 V42 N10 G", 11);
	assert_non_null(strstr(text, "\n3 :a.h\n8 :b.h\n9 :c.h\n"));
	uidlist_clear(&list);
}

static void
lock_of_a_dead_process_is_taken_away(void **state)
{
	struct scratch *scratch = *state;
	char host[256], text[300];
	struct why why;

	gethostname(host, sizeof(host));
	snprintf(text, sizeof(text), "2147483646:%s", host);
	scratch_write(scratch, "x.lock", text);
	assert_true(dotlock_take(scratch->fd, "x.lock", io_deadline(5), &why));
	assert_false(dotlock_take(scratch->fd, "x.lock", io_now() - 1, &why));
	assert_int_equal(why.error, EAGAIN);
	dotlock_release(scratch->fd, "x.lock");
	scratch_write(scratch, "x.lock", "1:other.host");
	assert_false(dotlock_take(scratch->fd, "x.lock", io_now() - 1, &why));
	{
		const struct timespec old[2] = { { .tv_sec = 1 },
			{ .tv_sec = 1 } };

		utimensat(scratch->fd, "x.lock", old, 0);
	}
	assert_true(dotlock_take(scratch->fd, "x.lock", io_deadline(5), &why));
}

/* Neither in the way nor left behind. */
static void
what_a_killed_locker_left_is_no_lock(void **state)
{
	struct scratch *scratch = *state;
	char own[64];
	struct why why;

	snprintf(own, sizeof(own), "x.lock.%ld", (long)getpid());
	scratch_write(scratch, own, "");
	assert_true(dotlock_take(scratch->fd, "x.lock", io_deadline(5), &why));
	assert_false(scratch_has(scratch, own));
	dotlock_release(scratch->fd, "x.lock");
	assert_false(scratch_has(scratch, "x.lock"));
}

static void
uidvalidity_is_never_given_twice(void **state)
{
	struct scratch *scratch = *state;
	uint32_t first = uidvalidity_next(scratch->fd);
	uint32_t second = uidvalidity_next(scratch->fd);

	assert_true(first > 0);
	assert_int_equal(second, first + 1);
	assert_true(scratch_has(scratch, "dovecot-uidvalidity"));
	scratch_write(scratch, "dovecot-uidvalidity.f0000000", "");
	assert_int_equal(uidvalidity_next(scratch->fd), 0xf0000001U);
}

static void
keywords_keep_their_letters(void **state)
{
	struct scratch *scratch = *state;
	struct keywords keywords = { 0 };
	struct why why;

	scratch_write(
	    scratch, "dovecot-keywords", "0 $Forwarded\n2 Junk\nx y\n26 no\n");
	assert_true(keywords_read(&keywords, scratch->fd, &why));
	assert_int_equal(keywords_find(&keywords, S("$FORWARDED")), 0);
	assert_int_equal(keywords_find(&keywords, S("unknown-1")), 1);
	assert_int_equal(keywords_find(&keywords, S("junk")), 2);
	assert_int_equal(keywords.count, 3);
	for (int i = 3; i < 26; i++) {
		char name[8];

		snprintf(name, sizeof(name), "k%d", i);
		assert_int_equal(keywords_add(&keywords, slice_of(name)), i);
	}
	assert_int_equal(keywords_add(&keywords, S("more")), -1);
	assert_true(keywords_write(&keywords, scratch->fd, &why));
	keywords_clear(&keywords);
}

static void
names_parse_and_format(void **state)
{
	static const struct {
		const char *file, *base, *formatted;
		uint32_t flags, keywords;
		uint64_t size;
	} cases[] = {
		{ "1.h", "1.h", "1.h:2,", 0, 0, UINT64_MAX },
		{ "1.h,S=5,W=6:2,TSa", "1.h,S=5,W=6", "1.h,S=5,W=6:2,STa",
		    MAIL_SEEN | MAIL_DELETED, 1, 5 },
		{ "1.h:2,PS,x", "1.h", "1.h:2,PS,x", MAIL_SEEN, 0, UINT64_MAX },
		{ "1.h:1,x", "1.h", "1.h:2,", 0, 0, UINT64_MAX },
		{ "1.h,S=5x:2,", "1.h,S=5x", "1.h,S=5x:2,", 0, 0, UINT64_MAX },
		{ "1.h,S=99999999999999999999", "1.h,S=99999999999999999999",
		    "1.h,S=99999999999999999999:2,", 0, 0, UINT64_MAX },
		{ "1.h:2,ZDRF", "1.h", "1.h:2,DFRZ",
		    MAIL_DRAFT | MAIL_ANSWERED | MAIL_FLAGGED, 0, UINT64_MAX },
	};
	struct maildir_name name;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		maildir_name_parse(slice_of(cases[i].file), &name);
		assert_slice_equal(name.base, slice_of(cases[i].base));
		assert_int_equal(name.flags, cases[i].flags);
		assert_int_equal(name.keywords, cases[i].keywords);
		assert_true(name.size == cases[i].size);
		buf_clear(&out);
		assert_true(maildir_name_format(&out, &name));
		assert_slice_equal(
		    buf_slice(&out), slice_of(cases[i].formatted));
	}
	buf_free(&out);
}

static void
modified_utf7_goes_both_ways(void **state)
{
	static const struct {
		const char *mutf7, *utf8; /* NULL: malformed */
	} cases[] = {
		{ "INBOX", "INBOX" },
		{ "Entw&APw-rfe", "Entw\xc3\xbcrfe" },
		{ "R&AOk-sum&AOk-", "R\xc3\xa9sum\xc3\xa9" },
		{ "a&-b", "a&b" },
		{ "&ZeVnLIqe-", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
		{ "&2D3eAA-", "\xf0\x9f\x98\x80" },
		{ "&AGE-", NULL },
		{ "&APw", NULL },
		{ "&APw-&APw-", NULL },
		{ "&2D0-", NULL },
		{ "&3gA-", NULL },
		{ "&A-", NULL },
		{ "&!!-", NULL },
		{ "\xc3\xbc", NULL },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		assert_int_equal(mutf7_decode(slice_of(cases[i].mutf7), &out),
		    cases[i].utf8 != NULL);
		if (cases[i].utf8 == NULL)
			continue;
		assert_slice_equal(buf_slice(&out), slice_of(cases[i].utf8));
		buf_clear(&out);
		assert_true(mutf7_encode(slice_of(cases[i].utf8), &out));
		assert_slice_equal(buf_slice(&out), slice_of(cases[i].mutf7));
	}
	buf_clear(&out);
	assert_false(mutf7_encode(S("\xff"), &out));
	buf_free(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage_costs_no_uid_that_can_be_read),
		cmocka_unit_test(foreign_fields_survive_a_rewrite),
		TEST(lines_are_appended_and_others_seen),
		TEST(torn_last_line_leads_to_a_rewrite),
		TEST(courier_list_is_taken_over),
		TEST(lock_of_a_dead_process_is_taken_away),
		TEST(what_a_killed_locker_left_is_no_lock),
		TEST(uidvalidity_is_never_given_twice),
		TEST(keywords_keep_their_letters),
		cmocka_unit_test(names_parse_and_format),
		cmocka_unit_test(modified_utf7_goes_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
