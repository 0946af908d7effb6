/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/auth_check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static const char users_text[] =
    "# comment\n"
    "alice@example.com {PLAIN}secret\n"
    "bob@example.org {PLAIN}bob home=/srv/bob mail=/srv/bob/mbox\n"
    "sys@example.com {PLAIN}virtual\n"
    "dora@example.com {SCRAM-SHA-256}4096$MDEyMzQ1Njc4OWFiY2RlZg==:"
    "/9srkpCZFdtWLXRAADOKgRnMQpl58WpEivSExJTOesY=:"
    "0mIFhPwAtOwAvLSfKJk8lK+/BvPftYQ7ttxlepTn8Yc=\n"
    "broken@example.com {PLAIN}x uid=0\n";
static const char apps_text[] =
    "alice@example.com phone imap,smtp {PLAIN}handset\n"
    "alice@example.com printer smtp {PLAIN}paper\n"
    "carol laptop all {PLAIN}lap\n"
    "not a line\n";
static const char passwd_text[] =
    "root:x:0:0::/root:/bin/sh\n"
    "sys:x:2000:2000::/home/sys:/bin/sh\n"
    "carol:{PLAIN}c:2001:2001::/home/carol:/bin/sh\n"
    "old:x:2002:2002::/home/old:/bin/sh\n"
    "shut:x:2003:2003::/home/shut:/usr/sbin/nologin\n"
    "daemon:x:2:2::/:/bin/sh\n";
static const char shadow_text[] = "root:{PLAIN}root:1:0:99999:7:::\n"
				  "sys:{PLAIN}system:1:0:99999:7:::\n"
				  "old:{PLAIN}old:1:0:99999:7::1:\n"
				  "shut:{PLAIN}shut:1:0:99999:7:::\n"
				  "daemon:{PLAIN}daemon:1:0:99999:7:::\n";

static const struct login_case {
	const char *login, *password;
	enum auth_answer answer;
	const char *name, *mail, *label;
} login_cases[] = {
	{ "alice@example.com", "secret", AUTH_ANSWER_YES, "alice@example.com",
	    "/virtual/example.com/alice/Maildir/", "" },
	{ "Alice@Example.COM", "secret", AUTH_ANSWER_YES, "alice@example.com",
	    "/virtual/example.com/alice/Maildir/", "" },
	{ "alice", "secret", AUTH_ANSWER_YES, "alice@example.com",
	    "/virtual/example.com/alice/Maildir/", "" },
	{ "alice", "wrong", AUTH_ANSWER_NO, "", "", "" },
	{ "alice", "handset", AUTH_ANSWER_YES, "alice@example.com",
	    "/virtual/example.com/alice/Maildir/", "phone" },
	{ "alice", "paper", AUTH_ANSWER_NO, "", "", "" },
	{ "carol", "lap", AUTH_ANSWER_YES, "carol", "/home/carol/Maildir/",
	    "laptop" },
	{ "bob", "handset", AUTH_ANSWER_NO, "", "", "" },
	{ "dora", "geheim", AUTH_ANSWER_YES, "dora@example.com",
	    "/virtual/example.com/dora/Maildir/", "" },
	{ "dora", "Geheim", AUTH_ANSWER_NO, "", "", "" },
	{ "alice@example.org", "secret", AUTH_ANSWER_NO, "", "", "" },
	{ "bob", "bob", AUTH_ANSWER_YES, "bob@example.org", "/srv/bob/mbox",
	    "" },
	{ "sys", "virtual", AUTH_ANSWER_YES, "sys@example.com",
	    "/virtual/example.com/sys/Maildir/", "" },
	{ "sys", "system", AUTH_ANSWER_NO, "", "", "" },
	{ "sys@example.org", "system", AUTH_ANSWER_YES, "sys",
	    "/home/sys/Maildir/", "" },
	{ "carol", "c", AUTH_ANSWER_YES, "carol", "/home/carol/Maildir/", "" },
	{ "CAROL", "c", AUTH_ANSWER_YES, "carol", "/home/carol/Maildir/", "" },
	{ "old", "old", AUTH_ANSWER_NO, "", "", "" },
	{ "shut", "shut", AUTH_ANSWER_NO, "", "", "" },
	{ "daemon", "daemon", AUTH_ANSWER_NO, "", "", "" },
	{ "root", "root", AUTH_ANSWER_NO, "", "", "" },
	{ "carol@elsewhere.org", "c", AUTH_ANSWER_NO, "", "", "" },
	{ "nobody-here", "x", AUTH_ANSWER_NO, "", "", "" },
	{ "broken@example.com", "x", AUTH_ANSWER_LATER, "", "", "" },
	{ "@", "x", AUTH_ANSWER_NO, "", "", "" },
};

static FILE *
file_of(const char *text)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	fputs(text, file);
	rewind(file);
	return file;
}

static void
ask(const struct settings *settings, const struct login_case *c)
{
	struct auth_files files = { .settings = settings,
		.apps = -1,
		.certs = -1,
		.helper.fd = -1,
		.owner_uid = 3000,
		.owner_gid = 3000 };
	struct auth_credential credential = { .service = AUTH_SERVICE_IMAP };
	struct auth_checked checked;
	struct why why = { 0 };
	FILE *users = file_of(users_text), *apps = file_of(apps_text);

	files.users = dup(fileno(users));
	files.apps = dup(fileno(apps));
	fclose(users);
	fclose(apps);
	buf_init(&files.users_text, 65536);
	buf_init(&files.apps_text, 65536);
	buf_init(&files.certs_text, 65536);
	lseek(files.users, 0, SEEK_SET);
	lseek(files.apps, 0, SEEK_SET);
	files.passwd = file_of(passwd_text);
	files.shadow = file_of(shadow_text);
	credential.login = slice_of(c->login);
	snprintf(credential.password, sizeof(credential.password), "%s",
	    c->password);
	assert_true(auth_files_load(&files, &why));
	if (auth_check(&files, &credential, &checked, &why) != c->answer ||
	    strcmp(checked.user.name, c->name) != 0 ||
	    strcmp(checked.user.mail, c->mail) != 0 ||
	    strcmp(checked.label, c->label) != 0)
		fail_msg("%s %s: %s %s %s (%s)", c->login, c->password,
		    checked.user.name, checked.user.mail, checked.label,
		    why.text);
	auth_files_close(&files);
}

static void
logins_are_found_as_users_h_says(void **state)
{
	char first[] = "example.com", second[] = "example.org";
	char *domains[] = { first, second };
	char home_mailbox[] = "Maildir/", virtual_home[] = "/virtual";
	char users[] = "users", hostname[] = "mail.example.com", none[] = "";
	struct settings settings = { .hostname = hostname,
		.users = users,
		.auth_pam = none,
		.checkpassword = none,
		.system_users = true,
		.minimum_uid = 1000,
		.home_mailbox = home_mailbox,
		.virtual_home = virtual_home };

	(void)state;
	settings.domains.items = domains;
	settings.domains.count = 2;
	for (size_t i = 0; i < sizeof(login_cases) / sizeof(login_cases[0]);
	     i++)
		ask(&settings, &login_cases[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logins_are_found_as_users_h_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
