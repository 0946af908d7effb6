/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/auth_dialogue.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/io.h"
#include "common/log.h"
#include "common/pipemsg.h"
#include "common/program.h"

/* What the session carries; PLAIN and LOGIN come as a credential. */
static const struct {
	struct slice name;
	enum auth_mechanism bit;
	auth_mechanism_fn *run;
} mechanisms[] = {
	{ SLICE("PLAIN"), AUTH_PLAIN, NULL },
	{ SLICE("LOGIN"), AUTH_LOGIN, NULL },
	{ SLICE("SCRAM-SHA-256"), AUTH_SCRAM, auth_scram },
	{ SLICE("SCRAM-SHA-256-PLUS"), AUTH_SCRAM_PLUS, auth_scram_plus },
	{ SLICE("EXTERNAL"), AUTH_EXTERNAL, auth_external },
	{ SLICE("OAUTHBEARER"), AUTH_OAUTHBEARER, auth_bearer },
	{ SLICE("XOAUTH2"), AUTH_XOAUTH2, auth_xoauth2 },
};

#define MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

static struct auth_attempt
attempt_of(const struct auth_dialogue *dialogue)
{
	struct auth_attempt attempt = { slice_of(dialogue->login),
		dialogue->facts->peer, buf_slice(&dialogue->secret),
		(int64_t)time(NULL) };

	return attempt;
}

bool
auth_dialogue_admit(struct auth_dialogue *dialogue, struct slice login)
{
	struct auth_attempt attempt;

	if (login.len == 0 ||
	    !slice_to_array(login, dialogue->login, sizeof(dialogue->login)))
		return why_set(&dialogue->why, "not a name");
	attempt = attempt_of(dialogue);
	if (!auth_failures_is_over(dialogue->failures, &attempt))
		return true;
	dialogue->is_over = true;
	return why_set(&dialogue->why, "too many failures");
}

enum auth_answer
auth_dialogue_fail(struct auth_dialogue *dialogue, const char *reason)
{
	if (dialogue->why.text[0] == '\0')
		why_set(&dialogue->why, "%s", reason);
	return dialogue->is_over ? AUTH_ANSWER_LATER : AUTH_ANSWER_NO;
}

enum auth_answer
auth_dialogue_malformed(struct auth_dialogue *dialogue, const char *reason)
{
	dialogue->is_malformed = true;
	return auth_dialogue_fail(dialogue, reason);
}

/* What an earlier login left in the pipe is passed over. */
static bool
receive(struct auth_dialogue *dialogue, bool is_first)
{
	struct message *message = dialogue->message;

	for (;;) {
		if (message_receive(
			message, AUTH_CREDENTIAL, dialogue->deadline) != IO_OK)
			return false;
		if (!is_first || (message->type != AUTH_RESPONSE_MESSAGE &&
				     message->type != AUTH_CANCEL_MESSAGE))
			return true;
	}
}

bool
auth_dialogue_ask(struct auth_dialogue *dialogue, struct slice challenge,
    struct slice *response)
{
	struct message question;
	bool ok;

	message_init(&question);
	message_begin(&question, AUTH_CHALLENGE_MESSAGE);
	message_put_slice(&question, challenge);
	ok = message_send(&question, AUTH_CREDENTIAL, dialogue->deadline) ==
	     IO_OK;
	message_free(&question);
	ok = ok && receive(dialogue, false) &&
	     dialogue->message->type == AUTH_RESPONSE_MESSAGE &&
	     message_get_slice(dialogue->message, response) &&
	     message_end(dialogue->message) &&
	     response->len <= LIMIT_SASL_RESPONSE;
	dialogue->is_given_up = !ok;
	return ok || why_set(&dialogue->why, "the client gave up");
}

static enum auth_answer
check_credential(struct auth_dialogue *dialogue)
{
	struct auth_credential credential = { .service =
						  dialogue->facts->service };
	struct message *message = dialogue->message;
	enum auth_answer answer = AUTH_ANSWER_NO;

	if (!message_get_slice(message, &credential.login) ||
	    !message_get_array(
		message, credential.password, sizeof(credential.password)) ||
	    !message_end(message)) {
		answer = auth_dialogue_malformed(dialogue, "malformed");
	} else if (!auth_dialogue_admit(dialogue, credential.login)) {
		answer = auth_dialogue_fail(dialogue, "");
	} else {
		buf_add_string(&dialogue->secret, credential.password);
		answer = auth_check(dialogue->files, &credential,
		    &dialogue->who, &dialogue->why);
	}
	explicit_bzero(&credential, sizeof(credential));
	return answer;
}

static enum auth_answer
begin(struct auth_dialogue *dialogue)
{
	struct message *message = dialogue->message;
	struct slice name, response;
	uint8_t type = message->type;

	if (!message_get_slice(message, &name))
		return auth_dialogue_malformed(dialogue, "malformed");
	for (size_t i = 0; i < MECHANISMS; i++) {
		if (!slice_eq(name, mechanisms[i].name) ||
		    (dialogue->facts->mechanisms & mechanisms[i].bit) == 0)
			continue;
		dialogue->mechanism = mechanisms[i].name.ptr;
		if (type == AUTH_CREDENTIAL_MESSAGE &&
		    mechanisms[i].run == NULL)
			return check_credential(dialogue);
		if (type != AUTH_BEGIN_MESSAGE || mechanisms[i].run == NULL ||
		    !message_get_slice(message, &response) ||
		    !message_end(message) || response.len > LIMIT_SASL_RESPONSE)
			break;
		return mechanisms[i].run(dialogue, response);
	}
	return auth_dialogue_malformed(dialogue, "malformed");
}

/* Names come from the network: nothing in them can look like the end of the
 * field to a program that reads the log. */
static const char *
harmless(const char *name, char *text, size_t size)
{
	static const struct slice others = SLICE("@._+-=/");
	size_t n = 0;

	for (; name[n] != '\0' && n + 1 < size; n++) {
		char c = name[n];

		text[n] = ascii_is_alpha(c) || ascii_is_digit(c) ||
				  slice_index(others, c) < others.len
			      ? c
			      : '?';
	}
	text[n] = '\0';
	return text;
}

static void
log_answer(const struct auth_dialogue *dialogue, enum auth_answer answer,
    bool is_counted)
{
	const struct auth_facts *facts = dialogue->facts;
	char user[LIMIT_USER_NAME + 1], peer[NETADDR_TEXT_SIZE], service[32];
	char text[512];

	snprintf(text, sizeof(text),
	    "service=%s user=<%s> peer=%s mechanism=%s",
	    app_services_format(facts->service, service),
	    harmless(dialogue->login, user, sizeof(user)),
	    netaddr_format(&facts->peer, peer), dialogue->mechanism);
	if (answer == AUTH_ANSWER_YES)
		log_info("login: %s id=%s%s%s", text, facts->id,
		    dialogue->who.label[0] == '\0' ? "" : " app=",
		    dialogue->who.label);
	else if (answer == AUTH_ANSWER_NO)
		log_info("failed: %s counted=%s id=%s reason=%s", text,
		    is_counted ? "yes" : "no", facts->id, dialogue->why.text);
	else
		log_info("deferred: %s id=%s reason=%s", text, facts->id,
		    dialogue->why.text);
}

/* A client that gives up has not tried a password. */
static bool
count(struct auth_dialogue *dialogue, enum auth_answer answer)
{
	struct auth_attempt attempt = attempt_of(dialogue);
	enum failure_count counted = FAILURE_AGAIN;

	if (answer == AUTH_ANSWER_YES)
		auth_failures_success(dialogue->failures, &attempt);
	else if (answer == AUTH_ANSWER_NO && !dialogue->is_given_up)
		counted = auth_failures_add(dialogue->failures, &attempt);
	return counted == FAILURE_COUNTED;
}

static void
say_end(const struct auth_dialogue *dialogue)
{
	struct message message;

	message_init(&message);
	message_begin(&message, AUTH_END_MESSAGE);
	message_put_u8(&message, dialogue->is_malformed);
	(void)message_send(
	    &message, AUTH_CREDENTIAL, io_deadline(TIMEOUT_PIPE));
	message_free(&message);
}

void
auth_dialogue_run(struct auth_files *files, struct auth_failures *failures,
    const struct auth_facts *facts, struct auth_verdict *verdict)
{
	struct auth_dialogue dialogue = { .files = files,
		.failures = failures,
		.facts = facts,
		.deadline = io_deadline(TIMEOUT_AUTH_DIALOGUE),
		.mechanism = "none" };
	enum auth_answer answer = AUTH_ANSWER_LATER;
	struct message message;
	bool is_counted;

	message_init(&message);
	dialogue.message = &message;
	buf_init(&dialogue.secret, LIMIT_SASL_RESPONSE);
	if (!auth_files_load(files, &dialogue.why))
		answer = AUTH_ANSWER_LATER;
	else if (receive(&dialogue, true))
		answer = begin(&dialogue);
	else
		why_set(&dialogue.why, "the session is gone");
	is_counted = count(&dialogue, answer);
	log_answer(&dialogue, answer, is_counted);
	say_end(&dialogue);
	verdict->answer = (uint32_t)answer;
	verdict->delay = dialogue.is_over ? AUTH_DELAY_MAX / 2 : 0;
	if (answer == AUTH_ANSWER_YES)
		verdict->user = dialogue.who.user;
	if (message.frame.ptr != NULL)
		explicit_bzero(message.frame.ptr, message.frame.size);
	message_free(&message);
	if (dialogue.secret.ptr != NULL)
		explicit_bzero(dialogue.secret.ptr, dialogue.secret.size);
	buf_free(&dialogue.secret);
}
