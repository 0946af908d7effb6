/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "imapd/mailbox_io.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/handover.h"
#include "common/io.h"
#include "common/jail.h"
#include "common/limits.h"
#include "common/log.h"

#include "imapd/session.h"

#define INPUT_SIZE     16384
#define IDLE_KEEPALIVE 120  /* seconds between untagged OKs in IDLE */
#define IDLE_POLL      1000 /* milliseconds, without inotify */

struct mailbox_io {
	struct handover handover;
	struct buf tag, unread;
	struct output output;
	struct session session;
	char *input; /* INPUT_SIZE */
};

/* MSG_DONTWAIT makes the deadline hold on blocking sockets. */
static bool
network_write(void *context, struct slice s)
{
	int64_t deadline = io_deadline(TIMEOUT_IMAP_COMMAND);
	ssize_t n;

	(void)context;
	while (s.len > 0) {
		n = send(1, s.ptr, s.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == ENOTSOCK)
			return io_write_all(1, s, deadline) == IO_OK;
		if (n < 0 && errno == EAGAIN &&
		    io_wait_writable(1, deadline) != IO_OK)
			return false;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n > 0)
			s = slice_from(s, (size_t)n);
	}
	return true;
}

/* Milliseconds from now, at least 0, at most limit. */
static int
wait_time(int64_t until, int limit)
{
	int64_t left = until - io_now();

	if (left < 0)
		return 0;
	return left < limit ? (int)left : limit;
}

static void
idle_tell(struct mailbox_io *io)
{
	if (io->session.folder != NULL)
		session_report(&io->session, true, false);
}

/*
 * In IDLE: until input comes, tell what happens in the folder, and every two
 * minutes that we are still here. False: the client was silent too long.
 */
static bool
idle_wait(struct mailbox_io *io)
{
	struct session *session = &io->session;
	int64_t end = io_deadline(TIMEOUT_IMAP_COMMAND);
	int64_t say = io_deadline(IDLE_KEEPALIVE);
	struct pollfd fds[2] = { { .fd = 0, .events = POLLIN },
		{ .fd = -1, .events = POLLIN } };
	int limit;

	if (session->folder != NULL)
		fds[1].fd = folder_watch(session->folder);
	limit = session->folder == NULL || fds[1].fd >= 0
		    ? IDLE_KEEPALIVE * 1000
		    : IDLE_POLL;
	/* What happened before the watch was set nobody will tell of. */
	idle_tell(io);
	output_flush(&io->output);
	while (io_now() < end && !io->output.is_broken &&
	       session->mode == SESSION_IDLE) {
		if (poll(fds, 2, wait_time(say, limit)) < 0 && errno != EINTR)
			return false;
		if (fds[0].revents != 0)
			return true;
		idle_tell(io);
		if (io_now() >= say) {
			buf_add(&io->output.buf, S("* OK Still here\r\n"));
			say = io_deadline(IDLE_KEEPALIVE);
		}
		output_flush(&io->output);
	}
	return false;
}

static bool
mailbox_read(struct mailbox_io *io, size_t *got)
{
	enum io_status status;

	if (io->session.mode == SESSION_IDLE && !idle_wait(io))
		status = IO_TIMEOUT;
	else
		status = io_read_some(0, io->input, INPUT_SIZE, got,
		    io_deadline(TIMEOUT_IMAP_COMMAND));
	if (status == IO_TIMEOUT && io->session.mode != SESSION_CLOSED)
		session_bye(&io->session, "Nothing was heard for too long");
	return status == IO_OK;
}

static void
mailbox_serve(struct mailbox_io *io)
{
	size_t got = 0;

	session_step(&io->session, buf_slice(&io->unread));
	buf_free(&io->unread);
	while (io->session.mode != SESSION_CLOSED && !io->output.is_broken) {
		output_flush(&io->output);
		if (!mailbox_read(io, &got))
			break;
		session_step(&io->session, slice_make(io->input, got));
	}
	output_flush(&io->output);
}

static void
refuse(struct mailbox_io *io, const struct why *why)
{
	log_error(
	    "%s: %s: %s", io->handover.id, io->handover.user.name, why->text);
	buf_add(&io->output.buf, buf_slice(&io->tag));
	buf_add_format(&io->output.buf,
	    " NO [UNAVAILABLE] The mailbox cannot be opened now\r\n"
	    "* BYE Try again later\r\n");
	output_flush(&io->output);
}

static bool
is_mbox(const struct user *user)
{
	size_t length = strlen(user->mail);

	return length == 0 || user->mail[length - 1] != '/';
}

static void
refuse_mbox(struct mailbox_io *io)
{
	log_error("%s: %s: %s is an mbox, which imapd does not serve; give "
		  "a Maildir: see home_mailbox",
	    io->handover.id, io->handover.user.name, io->handover.user.mail);
	buf_add(&io->output.buf, buf_slice(&io->tag));
	buf_add_format(&io->output.buf,
	    " NO [CANNOT] Your mail is in an mbox file, which IMAP does not "
	    "serve: use POP3, or ask for a Maildir\r\n"
	    "* BYE No mailbox for IMAP\r\n");
	output_flush(&io->output);
}

/* Landlock needs the place to exist. */
static bool
enter_jail(
    const struct settings *settings, const struct user *user, struct why *why)
{
	const char *const paths[] = { user->mail, NULL };
	struct jail_request request = { .keep_count = 2,
		.paths = paths,
		.uid = user->uid,
		.gid = user->gid,
		.user = user->is_virtual ? NULL : user->name };
	const struct jail *jail = jail_find("imapd-mailbox");
	int fd;

	BUG_UNLESS(jail != NULL);
	fd = maildir_open(user->mail, true, why);
	if (fd < 0)
		return false;
	close(fd);
	return jail_enter(jail, settings, &request, why);
}

static int
mailbox_run(struct mailbox_io *io, const struct settings *settings)
{
	const struct user *user = &io->handover.user;
	struct mailbox *mailbox = NULL;
	struct why why = { 0 };

	if (is_mbox(user)) {
		refuse_mbox(io);
		return EX_UNAVAILABLE;
	}
	tzset();
	if (enter_jail(settings, user, &why))
		mailbox = mailbox_open(user, &why);
	if (mailbox == NULL) {
		refuse(io, &why);
		return EX_TEMPFAIL;
	}
	session_init(&io->session, settings, mailbox, &io->output);
	reply_set(
	    &io->session, "OK [CAPABILITY %s] Logged in", SESSION_CAPABILITIES);
	reply_send(&io->session, buf_slice(&io->tag));
	log_info("%s: imap session of %s", io->handover.id, user->name);
	mailbox_serve(io);
	log_info("%s: imap session of %s ended", io->handover.id, user->name);
	session_clear(&io->session);
	mailbox_close(&mailbox);
	return EX_OK;
}

int
imapd_mailbox_program(
    const struct settings *settings, int argc, char *const argv[])
{
	struct mailbox_io io;
	struct why why = { 0 };
	int code = EX_PROTOCOL;

	(void)argc;
	(void)argv;
	memset(&io, 0, sizeof(io));
	io.input = alloc_zero(1, INPUT_SIZE);
	buf_init(&io.tag, HANDOVER_MAX);
	buf_init(&io.unread, HANDOVER_MAX);
	output_init(&io.output, network_write, NULL);
	if (handover_receive(
		MAILBOX_HANDOVER, &io.handover, &io.tag, &io.unread, &why)) {
		close(MAILBOX_HANDOVER);
		code = mailbox_run(&io, settings);
	} else {
		log_error("%s", why.text);
	}
	buf_free(&io.tag);
	buf_free(&io.unread);
	output_free(&io.output);
	alloc_release(io.input);
	return code;
}
