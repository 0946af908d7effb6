/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/auth_dialogue.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/pipemsg.h"
#include "common/program.h"

#include "tests/unit/unit.h"

#define OFFERED                                                                \
	(AUTH_PLAIN | AUTH_LOGIN | AUTH_SCRAM | AUTH_SCRAM_PLUS |              \
	    AUTH_EXTERNAL | AUTH_OAUTHBEARER)

static const char users_text[] = "alice@example.com {PLAIN}secret\n"
				 "bob@example.com {PLAIN}bob\n";
static const char apps_text[] = "alice@example.com phone imap {PLAIN}app\n";
static const char certs_text[] = "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:"
				 "0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:"
				 "1C:1D:1E:1F bob\n";

static int
file_of(const char *text)
{
	char path[] = "/tmp/merpati-auth-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* auth's process, without the jail: it answers on verdict. */
_Noreturn static void
serve(const struct auth_facts *facts, int session, int out)
{
	char domain[] = "example.com", none[] = "", mailbox[] = "Maildir/";
	char home[] = "/virtual", users[] = "users";
	char *domains[] = { domain };
	struct settings settings = { .users = users,
		.auth_pam = none,
		.checkpassword = none,
		.home_mailbox = mailbox,
		.virtual_home = home };
	struct auth_files files = { .settings = &settings,
		.helper.fd = -1,
		.owner_uid = 3000,
		.owner_gid = 3000 };
	struct auth_failures failures = { .settings = &settings, .fd = -1 };
	struct auth_verdict verdict = { .magic = AUTH_VERDICT_MAGIC };

	log_open("auth", "/dev/null", LOG_LEVEL_ERROR);
	settings.domains.items = domains;
	settings.domains.count = 1;
	files.users = file_of(users_text);
	files.apps = file_of(apps_text);
	files.certs = file_of(certs_text);
	buf_init(&files.users_text, 65536);
	buf_init(&files.apps_text, 65536);
	buf_init(&files.certs_text, 65536);
	dup2(session, AUTH_CREDENTIAL);
	auth_dialogue_run(&files, &failures, facts, &verdict);
	_exit(write(out, &verdict, sizeof(verdict)) < 0);
}

struct talk {
	int session, verdict;
	pid_t pid;
};

static void
begin(struct talk *talk, unsigned int service, const struct tls_status *tls)
{
	struct auth_facts facts = { .magic = AUTH_FACTS_MAGIC,
		.service = service,
		.mechanisms = OFFERED,
		.is_tls = tls != NULL };
	int ends[2], out[2];

	if (tls != NULL)
		facts.tls = *tls;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(pipe(out), 0);
	talk->pid = fork();
	if (talk->pid == 0)
		serve(&facts, ends[1], out[1]);
	close(ends[1]);
	close(out[1]);
	talk->session = ends[0];
	talk->verdict = out[0];
}

/* Send type and up to three texts, NULL for none. */
static void
say(struct talk *talk, uint8_t type, const char *const texts[3])
{
	struct message message;

	message_init(&message);
	message_begin(&message, type);
	for (size_t i = 0; i < 3 && texts[i] != NULL; i++)
		message_put_string(&message, texts[i]);
	assert_int_equal(
	    message_send(&message, talk->session, io_deadline(20)), IO_OK);
	message_free(&message);
}

/* The challenge, or "" and *is_bad at the end. */
static void
hear(struct talk *talk, char challenge[512], bool *is_bad)
{
	struct message message;
	uint8_t bad = 2;

	message_init(&message);
	challenge[0] = '\0';
	assert_int_equal(
	    message_receive(&message, talk->session, io_deadline(20)), IO_OK);
	if (message.type == AUTH_CHALLENGE_MESSAGE)
		assert_true(message_get_array(&message, challenge, 512));
	else
		assert_true(message_get_u8(&message, &bad));
	*is_bad = bad == 1;
	assert_true(message_end(&message));
	message_free(&message);
}

static enum auth_answer
end(struct talk *talk, char name[LIMIT_USER_NAME + 1])
{
	struct auth_verdict verdict;
	int status;

	assert_int_equal(io_read_all(talk->verdict, &verdict, sizeof(verdict),
			     io_deadline(20)),
	    IO_OK);
	assert_int_equal(waitpid(talk->pid, &status, 0), talk->pid);
	assert_int_equal(status, 0);
	close(talk->session);
	close(talk->verdict);
	snprintf(name, LIMIT_USER_NAME + 1, "%s", verdict.user.name);
	return (enum auth_answer)verdict.answer;
}

static const struct whole_case {
	unsigned int service;
	uint8_t type;
	const char *texts[3];
	enum auth_answer answer;
	bool is_bad;
} whole_cases[] = {
	{ AUTH_SERVICE_SMTP, AUTH_CREDENTIAL_MESSAGE,
	    { "PLAIN", "alice", "secret" }, AUTH_ANSWER_YES, false },
	{ AUTH_SERVICE_SMTP, AUTH_CREDENTIAL_MESSAGE,
	    { "PLAIN", "alice", "Secret" }, AUTH_ANSWER_NO, false },
	{ AUTH_SERVICE_IMAP, AUTH_CREDENTIAL_MESSAGE,
	    { "LOGIN", "alice", "app" }, AUTH_ANSWER_YES, false },
	{ AUTH_SERVICE_SMTP, AUTH_CREDENTIAL_MESSAGE,
	    { "LOGIN", "alice", "app" }, AUTH_ANSWER_NO, false },
	{ AUTH_SERVICE_SMTP, AUTH_CREDENTIAL_MESSAGE,
	    { "XOAUTH2", "alice", "secret" }, AUTH_ANSWER_NO, true },
	{ AUTH_SERVICE_SMTP, AUTH_CREDENTIAL_MESSAGE,
	    { "SCRAM-SHA-256", "alice", "secret" }, AUTH_ANSWER_NO, true },
	{ AUTH_SERVICE_SMTP, AUTH_CREDENTIAL_MESSAGE, { "PLAIN", "alice" },
	    AUTH_ANSWER_NO, true },
	{ AUTH_SERVICE_SMTP, AUTH_CREDENTIAL_MESSAGE, { "PLAIN", "", "secret" },
	    AUTH_ANSWER_NO, false },
	{ AUTH_SERVICE_SMTP, AUTH_BEGIN_MESSAGE, { "PLAIN", "alice" },
	    AUTH_ANSWER_NO, true },
	{ AUTH_SERVICE_SMTP, AUTH_BEGIN_MESSAGE, { "SCRAM-SHA-256", "x" },
	    AUTH_ANSWER_NO, true },
	{ AUTH_SERVICE_SMTP, AUTH_BEGIN_MESSAGE,
	    { "SCRAM-SHA-256", "y,,n=alice,r=x" }, AUTH_ANSWER_NO, true },
	{ AUTH_SERVICE_SMTP, AUTH_BEGIN_MESSAGE,
	    { "SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=alice,r=x" },
	    AUTH_ANSWER_NO, true },
	{ AUTH_SERVICE_SMTP, AUTH_BEGIN_MESSAGE, { "EXTERNAL", "" },
	    AUTH_ANSWER_NO, false },
	{ AUTH_SERVICE_SMTP, AUTH_BEGIN_MESSAGE, { "OAUTHBEARER", "x" },
	    AUTH_ANSWER_NO, true },
	{ AUTH_SERVICE_SMTP, AUTH_BEGIN_MESSAGE,
	    { "OAUTHBEARER", "n,a=alice,\1auth=Bearer t\1\1" },
	    AUTH_ANSWER_LATER, false },
	{ AUTH_SERVICE_SMTP, 77, { "PLAIN", "alice", "secret" }, AUTH_ANSWER_NO,
	    true },
};

static void
one_message_has_one_answer(void **state)
{
	char challenge[512], name[LIMIT_USER_NAME + 1];
	struct talk talk;
	bool is_bad;

	(void)state;
	for (size_t i = 0; i < sizeof(whole_cases) / sizeof(whole_cases[0]);
	     i++) {
		const struct whole_case *c = &whole_cases[i];
		enum auth_answer answer;

		begin(&talk, c->service, NULL);
		/* What an earlier login left behind is nobody's. */
		say(&talk, AUTH_RESPONSE_MESSAGE,
		    (const char *const[3]){ "old" });
		say(&talk, c->type, c->texts);
		hear(&talk, challenge, &is_bad);
		answer = end(&talk, name);
		if (answer != c->answer || is_bad != c->is_bad ||
		    strcmp(name, answer == AUTH_ANSWER_YES ? "alice@example.com"
							   : "") != 0)
			fail_msg("case %zu: %u %d %s", i, answer, is_bad, name);
	}
}

/* Nobody can tell by the salt who is there: it is the same each time. */
static void
unknown_users_have_a_salt(void **state)
{
	static const char *const users[] = { "nobody", "nobody@example.com",
		"NOBODY", "alice", "somebody" };
	char first[5][512], name[LIMIT_USER_NAME + 1], message[512];
	struct talk talk;
	bool is_bad;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		begin(&talk, AUTH_SERVICE_SMTP, NULL);
		snprintf(message, sizeof(message), "n,,n=%s,r=abc", users[i]);
		say(&talk, AUTH_BEGIN_MESSAGE,
		    (const char *const[3]){ "SCRAM-SHA-256", message });
		hear(&talk, first[i], &is_bad);
		assert_non_null(strstr(first[i], ",i=65536"));
		say(&talk, AUTH_CANCEL_MESSAGE, (const char *const[3]){ NULL });
		hear(&talk, message, &is_bad);
		assert_int_equal(end(&talk, name), AUTH_ANSWER_NO);
	}
	assert_string_equal(strstr(first[0], ",s="), strstr(first[1], ",s="));
	assert_string_equal(strstr(first[0], ",s="), strstr(first[2], ",s="));
	assert_string_not_equal(
	    strstr(first[0], ",s="), strstr(first[4], ",s="));
}

static const struct external_case {
	bool is_verified, has_fingerprint;
	const char *address, *authorize;
	const char *name; /* NULL: refused */
} external_cases[] = {
	{ true, false, "alice@example.com", "", "alice@example.com" },
	{ true, false, "alice@example.com", "alice", "alice@example.com" },
	{ true, false, "alice@example.com", "bob", NULL },
	{ true, false, "nobody@example.com", "", NULL },
	{ true, false, "", "alice", NULL },
	{ false, false, "alice@example.com", "", NULL },
	{ true, true, "alice@example.com", "", "bob@example.com" },
	{ true, true, "", "bob@example.com", "bob@example.com" },
	{ false, true, "", "bob@example.com", NULL },
};

static void
certificates_log_their_users_in(void **state)
{
	char challenge[512], name[LIMIT_USER_NAME + 1];
	struct talk talk;
	bool is_bad;

	(void)state;
	for (size_t i = 0;
	     i < sizeof(external_cases) / sizeof(external_cases[0]); i++) {
		const struct external_case *c = &external_cases[i];
		struct tls_status tls = { .is_verified = c->is_verified };

		snprintf(tls.client_address, sizeof(tls.client_address), "%s",
		    c->address);
		for (uint8_t n = 0; c->has_fingerprint && n < 32; n++)
			tls.fingerprint[n] = n;
		begin(&talk, AUTH_SERVICE_IMAP, &tls);
		say(&talk, AUTH_BEGIN_MESSAGE,
		    (const char *const[3]){ "EXTERNAL", c->authorize });
		hear(&talk, challenge, &is_bad);
		if ((end(&talk, name) == AUTH_ANSWER_YES) !=
			(c->name != NULL) ||
		    strcmp(name, c->name == NULL ? "" : c->name) != 0)
			fail_msg("case %zu: %s", i, name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_message_has_one_answer),
		cmocka_unit_test(unknown_users_have_a_salt),
		cmocka_unit_test(certificates_log_their_users_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
