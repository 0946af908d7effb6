/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/io.h"
#include "common/jail.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/verify_state.h"

#include "smtpd/verify.h"

/* Longer than enqueue may be silent: enqueue ends first. */
enum {
	IDLE_SECONDS = TIMEOUT_SMTP_SESSION + TIMEOUT_PIPE
};

static bool
send_change(void *context, const struct verify_change *change)
{
	struct message message;
	bool ok;

	(void)context;
	message_init(&message);
	verify_change_put(&message, change);
	ok = message_send(
		 &message, VERIFY_ENQUEUE, io_deadline(TIMEOUT_PIPE)) == IO_OK;
	message_free(&message);
	return ok;
}

static bool
send_reply(struct message *message, const struct verify_reply *reply)
{
	verify_reply_put(message, reply);
	return message_send(
		   message, VERIFY_ENQUEUE, io_deadline(TIMEOUT_PIPE)) == IO_OK;
}

static int
serve(struct verify *verify)
{
	struct verify_question question;
	struct verify_reply reply;
	struct message message;
	enum io_status status;
	bool ok = true;

	message_init(&message);
	do {
		status = message_receive(
		    &message, VERIFY_ENQUEUE, io_deadline(IDLE_SECONDS));
		if (status != IO_OK)
			break;
		ok = verify_question_get(&message, &question) &&
		     (verify->is_connected || question.type == VERIFY_CONNECT);
		if (ok && verify_answer(verify, &question, &reply))
			ok = send_reply(&message, &reply);
	} while (ok);
	message_free(&message);
	if (!ok)
		log_warning("enqueue broke the protocol");
	return ok && status == IO_EOF ? EX_OK : EX_PROTOCOL;
}

/* What modules have opened is below it: nothing else is open here. */
static int
first_free(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd < 3 ? 3 : fd;
}

/* State is in a folder of its own; nothing else of the disk is left. */
static bool
enter(const struct settings *settings, int keep_count, struct why *why)
{
	char state[4096];
	const char *const paths[] = { state, NULL };
	const struct jail_request request = { .keep_count = keep_count,
		.paths = paths,
		.user = jail_find("verify")->account };

	if (!verify_state_make(settings, state, sizeof(state)))
		return why_set(why, "state_directory: name too long");
	return jail_enter(jail_find("verify"), settings, &request, why);
}

int
verify_program(const struct settings *settings, int argc, char *const argv[])
{
	struct verify *verify = alloc_zero(1, sizeof(*verify));
	struct why why = { 0 };
	int status = EX_TEMPFAIL;

	(void)argc;
	(void)argv;
	log_rename("verify");
	(void)sigaction(
	    SIGPIPE, &(const struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	verify_init(verify, settings);
	verify->change = send_change;
	verify_open(verify);
	if (enter(settings, first_free(), &why))
		status = serve(verify);
	else
		log_error("%s", why.text);
	verify_close(verify);
	alloc_release(verify);
	return status;
}
