/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include "common/mailbox/mailbox.h"
#include "tests/unit/common/mailbox/scratch.h"

static int
make(void **state)
{
	struct scratch *scratch = malloc(sizeof(*scratch));

	scratch_make(scratch);
	mkdirat(scratch->fd, "Maildir", 0700);
	mkdirat(scratch->fd, "Maildir/new", 0700);
	mkdirat(scratch->fd, "Maildir/cur", 0700);
	mkdirat(scratch->fd, "Maildir/tmp", 0700);
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

static struct folder *
open_inbox(struct scratch *scratch, struct mailbox **mailbox, bool read_only)
{
	struct why why;
	struct folder *folder;

	*mailbox = mailbox_open(&scratch->user, &why);
	assert_non_null(*mailbox);
	folder = folder_open(*mailbox, S("inbox"), read_only, &why);
	assert_non_null(folder);
	return folder;
}

static void
new_mail_gets_uids_in_order_of_arrival(void **state)
{
	struct scratch *scratch = *state;
	struct mailbox *mailbox;
	struct folder *folder;
	uint32_t uidvalidity;
	char list[4096];

	scratch_write(scratch, "Maildir/new/200.M5.h,S=3", "abc");
	scratch_write(scratch, "Maildir/new/100.M9.h", "a\n");
	scratch_write(scratch, "Maildir/cur/200.M4.h:2,SP", "x");
	folder = open_inbox(scratch, &mailbox, false);
	assert_int_equal(folder_count(folder), 3);
	assert_slice_equal(folder_mail(folder, 0)->base, S("100.M9.h"));
	assert_int_equal(folder_mail(folder, 0)->uid, 1);
	assert_int_equal(folder_mail(folder, 1)->flags, MAIL_SEEN);
	assert_int_equal(folder_mail(folder, 2)->size, 3);
	assert_int_equal(folder_recent_count(folder), 2);
	assert_int_equal(folder_uidnext(folder), 4);
	assert_true(scratch_has(scratch, "Maildir/cur/100.M9.h:2,"));
	uidvalidity = folder_uidvalidity(folder);
	assert_true(uidvalidity > 0);
	folder_close(&folder);
	mailbox_close(&mailbox);

	scratch_read(scratch, "Maildir/dovecot-uidlist", list);
	assert_non_null(strstr(list, "\n1 :100.M9.h\n2 :200.M4.h\n3 :200.M5"));
	folder = open_inbox(scratch, &mailbox, false);
	assert_int_equal(folder_uidvalidity(folder), uidvalidity);
	assert_int_equal(folder_recent_count(folder), 0);
	assert_int_equal(folder_mail(folder, 2)->uid, 3);
	folder_close(&folder);
	mailbox_close(&mailbox);
}

static void
torn_file_in_new_is_not_shown(void **state)
{
	struct scratch *scratch = *state;
	struct mailbox *mailbox;
	struct folder *folder;
	struct why why;
	bool changed;

	scratch_write(scratch, "Maildir/new/1.Q.h,S=10", "short");
	folder = open_inbox(scratch, &mailbox, false);
	assert_int_equal(folder_count(folder), 0);
	scratch_write(scratch, "Maildir/new/1.Q.h,S=10", "0123456789");
	assert_true(folder_refresh(folder, &changed, &why));
	assert_true(changed);
	assert_int_equal(folder_count(folder), 1);
	folder_close(&folder);
	mailbox_close(&mailbox);
}

/* ext4 and XFS keep the length, and lose bytes that were not written yet. */
static void
file_with_a_hole_is_not_shown(void **state)
{
	static char bytes[65536];
	static const char ours[] = "Maildir/new/1.Q0123456789ABCR0.h,S=65536";
	struct scratch *scratch = *state;
	struct mailbox *mailbox;
	struct folder *folder;
	struct why why;
	bool changed;
	int fd;

	scratch_write(scratch, ours, "start");
	scratch_write(scratch, "Maildir/new/1.M1P1.h,S=65536", "foreign");
	for (int i = 0; i < 2; i++) {
		fd = openat(scratch->fd,
		    i == 0 ? ours : "Maildir/new/1.M1P1.h,S=65536", O_WRONLY);
		assert_int_equal(ftruncate(fd, 65536), 0);
		close(fd);
	}
	folder = open_inbox(scratch, &mailbox, false);
	assert_int_equal(folder_count(folder), 1);
	assert_slice_equal(folder_mail(folder, 0)->base, S("1.M1P1.h,S=65536"));
	memset(bytes, 'x', sizeof(bytes));
	fd = openat(scratch->fd, ours, O_WRONLY);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), 65536);
	close(fd);
	assert_true(folder_refresh(folder, &changed, &why));
	assert_int_equal(folder_count(folder), 2);
	folder_close(&folder);
	mailbox_close(&mailbox);
}

static void
renames_by_others_are_followed(void **state)
{
	struct scratch *scratch = *state;
	struct mailbox *mailbox;
	struct folder *folder;
	struct why why;
	time_t when;
	bool changed;
	int fd;

	scratch_write(scratch, "Maildir/cur/1.h:2,", "a");
	scratch_write(scratch, "Maildir/cur/2.h:2,", "b");
	folder = open_inbox(scratch, &mailbox, false);
	renameat(scratch->fd, "Maildir/cur/1.h:2,", scratch->fd,
	    "Maildir/cur/1.h:2,FPRa");
	fd = folder_mail_open(folder, 0, &when, &why);
	assert_true(fd >= 0);
	close(fd);
	assert_true(folder_refresh(folder, &changed, &why));
	assert_true(changed && folder_mail(folder, 0)->is_changed);
	assert_int_equal(
	    folder_mail(folder, 0)->flags, MAIL_FLAGGED | MAIL_ANSWERED);
	assert_int_equal(folder_mail(folder, 0)->keywords, 1);
	assert_string_equal(folder_keyword(folder, 0), "unknown-0");
	assert_true(folder_set_flags(folder, 0, MAIL_SEEN, 1, &why));
	assert_true(scratch_has(scratch, "Maildir/cur/1.h:2,PSa"));
	renameat(scratch->fd, "Maildir/cur/2.h:2,", scratch->fd,
	    "Maildir/cur/2.h:2,T");
	assert_true(folder_set_flags(folder, 1, MAIL_DRAFT, 0, &why));
	assert_true(scratch_has(scratch, "Maildir/cur/2.h:2,D"));
	folder_close(&folder);
	mailbox_close(&mailbox);
}

static void
vanished_mail_stays_until_forgotten(void **state)
{
	struct scratch *scratch = *state;
	struct mailbox *mailbox;
	struct folder *folder;
	struct why why;
	bool changed;

	scratch_write(scratch, "Maildir/cur/1.h:2,", "a");
	scratch_write(scratch, "Maildir/cur/2.h:2,", "b");
	folder = open_inbox(scratch, &mailbox, false);
	unlinkat(scratch->fd, "Maildir/cur/1.h:2,", 0);
	assert_true(folder_refresh(folder, &changed, &why));
	assert_true(changed);
	assert_int_equal(folder_count(folder), 2);
	assert_true(folder_mail(folder, 0)->is_expunged);
	assert_int_equal(folder_mail_open(folder, 0, NULL, &why), -1);
	/* It comes back: a new message with a new UID. */
	scratch_write(scratch, "Maildir/cur/1.h:2,", "a");
	assert_true(folder_refresh(folder, &changed, &why));
	assert_int_equal(folder_count(folder), 3);
	assert_int_equal(folder_mail(folder, 2)->uid, 3);
	folder_forget(folder, 0);
	assert_int_equal(folder_count(folder), 2);
	assert_int_equal(folder_mail(folder, 0)->uid, 2);
	assert_int_equal(folder_find_uid(folder, 3), 1);
	assert_true(folder_expunge(folder, 1, &why));
	assert_false(scratch_has(scratch, "Maildir/cur/1.h:2,"));
	folder_close(&folder);
	mailbox_close(&mailbox);
}

static void
appended_mail_has_its_uid_and_flags(void **state)
{
	struct scratch *scratch = *state;
	const struct slice names[] = { SLICE("$Forwarded") };
	struct append_facts facts = { .flags = MAIL_SEEN,
		.keyword_names = names,
		.keyword_count = 1,
		.internal_date = 1000000000 };
	struct mailbox *mailbox;
	struct folder *folder = open_inbox(scratch, &mailbox, false);
	struct appender *appender;
	uint32_t uidvalidity, uid;
	struct why why;
	time_t when;
	bool changed;

	appender = appender_open(mailbox, S("INBOX"), &why);
	assert_non_null(appender);
	assert_true(appender_write(appender, S("a\nb\r\n"), &why));
	assert_true(
	    appender_commit(appender, &facts, &uidvalidity, &uid, &why));
	appender_close(&appender);
	assert_int_equal(uid, 1);
	assert_int_equal(uidvalidity, folder_uidvalidity(folder));
	assert_true(folder_refresh(folder, &changed, &why));
	assert_int_equal(folder_count(folder), 1);
	assert_int_equal(folder_mail(folder, 0)->size, 5);
	assert_int_equal(folder_mail(folder, 0)->wire_size, 6);
	assert_int_equal(folder_mail(folder, 0)->flags, MAIL_SEEN);
	assert_string_equal(folder_keyword(folder, 0), "$Forwarded");
	close(folder_mail_open(folder, 0, &when, &why));
	assert_int_equal(when, 1000000000);
	appender = appender_open(mailbox, S("nowhere"), &why);
	assert_null(appender);
	assert_string_equal(why.status, "NONEXISTENT");
	folder_close(&folder);
	mailbox_close(&mailbox);
}

static void
many_messages_open_at_once(void **state)
{
	struct scratch *scratch = *state;
	struct mailbox *mailbox;
	struct folder *folder;
	char path[64];

	for (int i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "Maildir/cur/%d.h:2,S", i + 1);
		scratch_write(scratch, path, "");
	}
	folder = open_inbox(scratch, &mailbox, true);
	assert_int_equal(folder_count(folder), 3000);
	assert_int_equal(folder_mail(folder, 2999)->uid, 3000);
	folder_close(&folder);
	mailbox_close(&mailbox);
}

struct collected {
	char text[1024];
};

static bool
collect(void *context, struct slice name, bool is_selectable, bool has_children)
{
	struct collected *collected = context;
	size_t used = strlen(collected->text);

	snprintf(collected->text + used, sizeof(collected->text) - used,
	    "%.*s%s%s;", SLICE_FMT(name), is_selectable ? "" : "!",
	    has_children ? "+" : "");
	return true;
}

static void
folders_are_made_listed_renamed_and_deleted(void **state)
{
	struct scratch *scratch = *state;
	struct collected all = { { 0 } };
	struct mailbox *mailbox;
	struct why why;

	mailbox = mailbox_open(&scratch->user, &why);
	assert_true(mailbox_create(mailbox, S("Lists/dev"), &why));
	assert_true(mailbox_create(mailbox, S("Entw\xc3\xbcrfe"), &why));
	assert_true(scratch_has(scratch, "Maildir/.Entw&APw-rfe/cur"));
	assert_true(scratch_has(scratch, "Maildir/.Lists.dev/maildirfolder"));
	assert_false(mailbox_create(mailbox, S("a.b"), &why));
	assert_string_equal(why.status, "CANNOT");
	assert_false(mailbox_create(mailbox, S("Lists/dev"), &why));
	assert_string_equal(why.status, "ALREADYEXISTS");
	assert_true(mailbox_each(mailbox, collect, &all, &why));
	assert_string_equal(
	    all.text, "INBOX;Entw\xc3\xbcrfe;Lists!+;Lists/dev;");
	assert_true(mailbox_rename(mailbox, S("Lists"), S("L"), &why));
	assert_true(mailbox_exists(mailbox, S("L/dev")));
	assert_false(mailbox_rename(mailbox, S("Lists"), S("M"), &why));
	assert_string_equal(why.status, "NONEXISTENT");
	assert_true(mailbox_delete(mailbox, S("L/dev"), &why));
	assert_false(mailbox_exists(mailbox, S("L/dev")));
	assert_false(mailbox_delete(mailbox, S("INBOX"), &why));
	assert_true(mailbox_subscribe(mailbox, S("A/B"), true, &why));
	assert_true(mailbox_subscribe(mailbox, S("inbox"), true, &why));
	assert_true(mailbox_subscribe(mailbox, S("A/B"), true, &why));
	all.text[0] = '\0';
	assert_true(mailbox_each_subscribed(mailbox, collect, &all, &why));
	assert_string_equal(all.text, "INBOX;A/B!;");
	assert_true(mailbox_subscribe(mailbox, S("A/B"), false, &why));
	mailbox_close(&mailbox);
}

static void
renaming_inbox_moves_its_messages(void **state)
{
	struct scratch *scratch = *state;
	struct folder_status status;
	struct mailbox *mailbox;
	struct why why;

	scratch_write(scratch, "Maildir/cur/1.h:2,S", "a");
	scratch_write(scratch, "Maildir/new/2.h", "a");
	mailbox = mailbox_open(&scratch->user, &why);
	assert_true(mailbox_rename(mailbox, S("INBOX"), S("Old"), &why));
	assert_true(mailbox_status(mailbox, S("Old"), &status, &why));
	assert_int_equal(status.messages, 2);
	assert_int_equal(status.unseen, 1);
	assert_int_equal(status.recent, 1);
	assert_true(mailbox_status(mailbox, S("INBOX"), &status, &why));
	assert_int_equal(status.messages, 0);
	mailbox_close(&mailbox);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(new_mail_gets_uids_in_order_of_arrival),
		TEST(torn_file_in_new_is_not_shown),
		TEST(file_with_a_hole_is_not_shown),
		TEST(renames_by_others_are_followed),
		TEST(vanished_mail_stays_until_forgotten),
		TEST(appended_mail_has_its_uid_and_flags),
		TEST(many_messages_open_at_once),
		TEST(folders_are_made_listed_renamed_and_deleted),
		TEST(renaming_inbox_moves_its_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
