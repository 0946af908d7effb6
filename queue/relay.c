/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/relay.h"

#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/arena.h"
#include "common/io.h"
#include "common/jail.h"
#include "common/job.h"
#include "common/limits.h"
#include "common/log.h"

#include "queue/relay_delivery.h"
#include "queue/relay_outside.h"
#include "queue/relay_tls.h"

enum relay_descriptor {
	RELAY_TLS_HELPER = RELAY_OUTSIDE + 1,
	RELAY_KEEP
};

static bool
send_verdicts(const struct verdict *verdicts, size_t count, int agent)
{
	int64_t deadline = io_deadline(TIMEOUT_PIPE);
	struct message message;
	bool ok = true;

	message_init(&message);
	for (size_t i = 0; i < count && ok; i++) {
		verdict_encode(&message, &verdicts[i]);
		ok = message_send(&message, agent, deadline) == IO_OK;
	}
	/* Nothing of a relay is ever to be synced. */
	message_begin(&message, JOB_DONE);
	message_put_u8(&message, 1);
	message_put_u64(&message, 0);
	ok = ok && message_send(&message, agent, deadline) == IO_OK;
	message_free(&message);
	return ok;
}

/* False: qmgr is gone or speaks another language. */
static bool
relay_take(struct relay *relay, struct message *message, int spool, int agent)
{
	struct arena *arena = arena_new("job", LIMIT_PIPE_MESSAGE);
	struct verdict *verdicts;
	struct job job;
	bool ok = spool >= 0 && job_decode(message, arena, &job) &&
		  job.tls_level <= TLS_LEVEL_DANE_ONLY;

	if (ok) {
		verdicts = alloc_zero(job.recipient_count, sizeof(*verdicts));
		relay_deliver(relay, &job, spool, verdicts);
		ok = send_verdicts(verdicts, job.recipient_count, agent);
		alloc_release(verdicts);
	} else {
		log_error("malformed job from qmgr");
	}
	arena_free(&arena);
	return ok;
}

int
relay_serve(struct relay *relay, int agent)
{
	struct message message;
	unsigned int wait = TIMEOUT_PIPE;
	int spool = -1, code = EX_OK;

	message_init(&message);
	while (message_receive_fd(&message, agent, &spool, io_deadline(wait)) ==
	       IO_OK) {
		if (!relay_take(relay, &message, spool, agent))
			code = EX_PROTOCOL;
		if (spool >= 0)
			close(spool);
		if (code != EX_OK)
			break;
		wait = AGENT_IDLE;
	}
	message_free(&message);
	return code;
}

static bool
relay_prepare(
    struct relay *relay, const struct settings *settings, struct why *why)
{
	const struct jail_request request = { .keep_count = RELAY_KEEP };
	int helper;

	relay->outside = relay_outside_find();
	helper = relay_tls_start(settings, why);
	if (helper < 0)
		return false;
	if (helper != RELAY_TLS_HELPER && dup2(helper, RELAY_TLS_HELPER) < 0)
		return why_errno(why, "dup2");
	relay->tls_helper = RELAY_TLS_HELPER;
	return jail_enter(jail_find("relay"), settings, &request, why);
}

int
relay_run(const struct settings *settings, int argc, char *const argv[])
{
	struct relay *relay =
	    relay_new(settings, "/etc/resolv.conf", "/etc/hosts");
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct why why = { 0 };
	int code = EX_TEMPFAIL;

	(void)argc;
	(void)argv;
	sigaction(SIGPIPE, &ignore, NULL);
	if (relay_prepare(relay, settings, &why))
		code = relay_serve(relay, STDIN_FILENO);
	else
		log_error("%s", why.text);
	relay_free(&relay);
	return code;
}
