/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/relay_spawn.h"

#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/io.h"
#include "common/jail.h"
#include "common/job.h"
#include "common/log.h"
#include "common/program.h"

#include "queue/relay_outside.h"

/* The helper, where there is one. */
#define RELAY_SPAWN_OUTSIDE 3

/* The agent's pipe is closed here either way; when no relay could be
 * started, qmgr sees the end of it and tries later. */
static void
spawn_agent(const struct settings *settings, int agent, int control)
{
	int outside = relay_outside_client(control);
	const struct program_start start = { .name = "relay",
		.descriptors = { agent, -1, STDERR_FILENO, outside },
		.descriptor_count = RELAY_OUTSIDE + 1 };
	struct why why;

	if (program_spawn(settings, &start, &why) < 0)
		log_error("%s", why.text);
	if (outside >= 0)
		close(outside);
}

static bool
request_is_valid(struct message *message)
{
	uint32_t uid, gid;

	return message->type == SPAWN_AGENT && message_get_u32(message, &uid) &&
	       message_get_u32(message, &gid) && message_end(message);
}

static int
relay_spawn_serve(const struct settings *settings, int control)
{
	struct message message;
	enum io_status status;
	int agent, code = EX_OK;

	message_init(&message);
	for (;;) {
		status = message_receive_fd(
		    &message, SPAWNER_SOCKET, &agent, IO_FOREVER);
		if (status != IO_OK)
			break;
		if (agent < 0 || !request_is_valid(&message)) {
			log_error("malformed request from qmgr");
			code = EX_PROTOCOL;
			break;
		}
		spawn_agent(settings, agent, control);
		close(agent);
	}
	message_free(&message);
	return code;
}

int
relay_spawn_run(const struct settings *settings, int argc, char *const argv[])
{
	struct jail_request request = { .keep_count = RELAY_SPAWN_OUTSIDE };
	/* Nobody asks how a relay ended: the kernel clears it away. */
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct why why = { 0 };
	int outside;

	(void)argc;
	(void)argv;
	if (!relay_outside_start(settings, &outside, &why)) {
		log_error("%s", why.text);
		return EX_TEMPFAIL;
	}
	if (outside >= 0 && outside != RELAY_SPAWN_OUTSIDE &&
	    dup2(outside, RELAY_SPAWN_OUTSIDE) < 0)
		return EX_OSERR;
	request.keep_count += outside >= 0;
	sigaction(SIGCHLD, &ignore, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	if (!jail_enter(jail_find("relay-spawn"), settings, &request, &why)) {
		log_error("%s", why.text);
		return EX_NOPERM;
	}
	return relay_spawn_serve(
	    settings, outside < 0 ? -1 : RELAY_SPAWN_OUTSIDE);
}
