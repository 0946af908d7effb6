/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/front_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/log.h"
#include "common/program.h"

static uint32_t
service_of(const struct connection *c)
{
	switch (c->listener->kind) {
	case LISTENER_POP3:
	case LISTENER_POP3S:
		return AUTH_SERVICE_POP3;
	case LISTENER_IMAP:
	case LISTENER_IMAPS:
		return AUTH_SERVICE_IMAP;
	case LISTENER_SMTP:
	case LISTENER_SUBMISSION:
	case LISTENER_SUBMISSIONS:
	case LISTENER_LMTP:
		break;
	}
	return AUTH_SERVICE_SMTP;
}

/*
 * SCRAM needs keys, which passwd(5), PAM and checkpassword do not have, and
 * many clients take it where they see it and then nothing else. So by itself
 * it is offered only where there are virtual users.
 */
static bool
has_keys(const struct settings *settings)
{
	struct stat status;

	return settings->auth_pam[0] == '\0' &&
	       settings->checkpassword[0] == '\0' &&
	       settings->users[0] != '\0' &&
	       stat(settings->users, &status) == 0 && status.st_size > 0;
}

/* What can work on this connection. */
static unsigned int
possible(const struct connection *c)
{
	unsigned int bits = AUTH_PLAIN | AUTH_LOGIN | AUTH_SCRAM;

	/* With TLS 1.2 the clients that bind know tls-unique alone, and would
	 * fail where they see -PLUS. */
	if (c->is_tls && c->tls.exporter_len > 0)
		bits |= AUTH_SCRAM_PLUS;
	if (c->is_tls && c->tls.is_verified != 0)
		bits |= AUTH_EXTERNAL;
	if (c->settings->oauth_command[0] != '\0')
		bits |= AUTH_OAUTHBEARER | AUTH_XOAUTH2;
	return bits;
}

unsigned int
front_mechanisms(const struct connection *c)
{
	const struct string_list *names = &c->settings->auth_mechanisms;
	unsigned int wanted = 0;

	if (!listener_has_login(c->listener) ||
	    (!c->is_tls && !c->may_auth_in_clear))
		return 0;
	for (size_t i = 0; i < names->count; i++)
		wanted |= sasl_mechanism_bit(slice_of(names->items[i]));
	if (names->count == 0)
		wanted = has_keys(c->settings)
			     ? ~0U
			     : ~(unsigned int)(AUTH_SCRAM | AUTH_SCRAM_PLUS);
	return possible(c) & wanted;
}

static bool
verdict_is_sane(
    const struct front_state *state, const struct auth_verdict *verdict)
{
	const struct user *user = &verdict->user;

	if (verdict->magic != AUTH_VERDICT_MAGIC ||
	    verdict->answer > AUTH_ANSWER_LATER ||
	    verdict->delay > AUTH_DELAY_MAX)
		return false;
	if (verdict->answer != AUTH_ANSWER_YES)
		return true;
	return memchr(user->name, '\0', sizeof(user->name)) != NULL &&
	       memchr(user->home, '\0', sizeof(user->home)) != NULL &&
	       memchr(user->mail, '\0', sizeof(user->mail)) != NULL &&
	       user->name[0] != '\0' &&
	       user_is_acceptable(state->connection.settings, user);
}

/* It fits the pipe, so auth need not run yet. */
static bool
send_facts(const struct connection *c, int fd)
{
	struct auth_facts facts = { .magic = AUTH_FACTS_MAGIC };

	facts.service = service_of(c);
	facts.mechanisms = c->mechanisms;
	facts.is_tls = c->is_tls;
	facts.peer = c->peer;
	memcpy(facts.id, c->id, sizeof(facts.id));
	if (c->is_tls)
		facts.tls = c->tls;
	return io_write_all(fd, slice_make(&facts, sizeof(facts)),
		   io_deadline(TIMEOUT_PIPE)) == IO_OK;
}

static pid_t
spawn(const struct front_state *state, int *verdict, struct why *why)
{
	const struct connection *c = &state->connection;
	struct program_start start = { .name = "auth",
		.descriptors = { state->credentials, -1, -1 },
		.descriptor_count = AUTH_FACTS + 1 };
	int ends[2], facts[2];
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		why_errno(why, "pipe of auth");
		return -1;
	}
	*verdict = ends[0];
	start.descriptors[AUTH_VERDICT] = ends[1];
	if (pipe2(facts, O_CLOEXEC) < 0) {
		why_errno(why, "pipe of facts");
	} else {
		start.descriptors[AUTH_FACTS] = facts[0];
		if (send_facts(c, facts[1]))
			pid = program_spawn(c->settings, &start, why);
		else
			why_errno(why, "write facts");
		close(facts[0]);
		close(facts[1]);
	}
	close(ends[1]);
	return pid;
}

enum auth_answer
front_start_auth(struct front_state *state, unsigned int *delay)
{
	int64_t deadline = io_deadline(TIMEOUT_AUTH_DIALOGUE + TIMEOUT_AUTH);
	const char *id = state->connection.id;
	struct auth_verdict verdict;
	struct why why;
	int fd = -1;
	pid_t pid = spawn(state, &fd, &why);
	bool ok = pid > 0 &&
		  io_read_all(fd, &verdict, sizeof(verdict), deadline) == IO_OK;

	front_close(&fd);
	if (pid < 0)
		log_error("%s: %s", id, why.text);
	else
		front_reap(pid, deadline, "auth");
	if (!ok || !verdict_is_sane(state, &verdict)) {
		log_error("%s: no verdict from auth", id);
		return AUTH_ANSWER_LATER;
	}
	*delay = verdict.delay;
	state->user = verdict.user;
	return (enum auth_answer)verdict.answer;
}
