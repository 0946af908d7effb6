/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/relay_outside.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/io.h"
#include "common/jail.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/net_connect.h"
#include "common/pipemsg.h"
#include "common/program.h"

struct token {
	char login[LIMIT_USER_NAME + 1], host[OUTSIDE_HOST_SIZE];
	char text[LIMIT_TOKEN + 1];
};

struct outside {
	const struct settings *settings;
	struct pollfd polled[1 + OUTSIDE_CLIENTS]; /* relay-spawn first */
	size_t count;
	struct token tokens[OUTSIDE_TOKENS];
	size_t next;
};

static struct token *
find_token(struct outside *outside, const char *login, const char *host)
{
	for (size_t i = 0; i < OUTSIDE_TOKENS; i++)
		if (strcmp(outside->tokens[i].login, login) == 0 &&
		    strcmp(outside->tokens[i].host, host) == 0)
			return &outside->tokens[i];
	return NULL;
}

/* The one that is known, or a fresh one; NULL with why. */
static const char *
take_token(struct outside *outside, const struct token *wanted, bool is_refused,
    struct why *why)
{
	struct token *token = find_token(outside, wanted->login, wanted->host);
	struct buf fresh;

	if (token != NULL && !is_refused)
		return token->text;
	if (token == NULL) {
		token = &outside->tokens[outside->next];
		outside->next = (outside->next + 1) % OUTSIDE_TOKENS;
	}
	explicit_bzero(token, sizeof(*token));
	buf_init(&fresh, LIMIT_TOKEN + 1);
	if (relay_token_run(
		outside->settings, wanted->login, wanted->host, &fresh, why)) {
		*token = *wanted;
		slice_to_array(
		    buf_slice(&fresh), token->text, sizeof(token->text));
	}
	buf_free(&fresh);
	return token->text[0] == '\0' ? NULL : token->text;
}

static bool
serve_token(struct outside *outside, struct message *message, int fd)
{
	struct token *wanted = alloc_zero(1, sizeof(*wanted));
	struct why why = { 0 };
	const char *text = NULL;
	uint8_t is_refused;
	bool ok;

	ok = message_get_u8(message, &is_refused) &&
	     message_get_array(message, wanted->login, sizeof(wanted->login)) &&
	     message_get_array(message, wanted->host, sizeof(wanted->host)) &&
	     message_end(message);
	if (ok && outside->settings->relay_token_command[0] == '\0')
		why_set(&why, "relay_token_command is not set");
	else if (ok)
		text = take_token(outside, wanted, is_refused != 0, &why);
	alloc_release(wanted);
	if (!ok)
		return false;
	message_begin(message, OUTSIDE_RESULT);
	message_put_u8(message, text != NULL);
	message_put_string(message, text != NULL ? text : why.text);
	return message_send(message, fd, io_deadline(TIMEOUT_PIPE)) == IO_OK;
}

static bool
is_listed(const struct settings *settings, const char *path)
{
	for (size_t i = 0; i < settings->lmtp_sockets.count; i++)
		if (strcmp(settings->lmtp_sockets.items[i], path) == 0)
			return true;
	return false;
}

static bool
serve_socket(const struct outside *outside, struct message *message, int fd)
{
	char path[LIMIT_FILTER_SOCKET_PATH + 1];
	struct why why = { 0 };
	enum io_status status;
	int to = -1;

	if (!message_get_array(message, path, sizeof(path)) ||
	    !message_end(message))
		return false;
	if (!is_listed(outside->settings, path))
		why_set(&why, "not one of lmtp_sockets");
	else if ((to = net_connect_unix(
		      slice_of(path), io_deadline(TIMEOUT_SMTP_CONNECT))) < 0)
		why_errno(&why, "connect");
	message_begin(message, OUTSIDE_RESULT);
	message_put_u8(message, to >= 0);
	message_put_string(message, why.text);
	if (to < 0)
		return message_send(message, fd, io_deadline(TIMEOUT_PIPE)) ==
		       IO_OK;
	status = message_send_fd(message, fd, to, io_deadline(TIMEOUT_PIPE));
	close(to);
	return status == IO_OK;
}

/* False: this relay is gone, or does not speak our language. */
static bool
serve_client(struct outside *outside, int fd)
{
	struct message message;
	bool ok;

	message_init(&message);
	ok = message_receive(&message, fd, io_deadline(TIMEOUT_PIPE)) == IO_OK;
	if (ok && message.type == OUTSIDE_TOKEN)
		ok = serve_token(outside, &message, fd);
	else
		ok = ok && message.type == OUTSIDE_SOCKET &&
		     serve_socket(outside, &message, fd);
	message_free(&message);
	return ok;
}

/* False: relay-spawn is gone. */
static bool
take_client(struct outside *outside)
{
	struct message message;
	int fd = -1;
	bool ok;

	message_init(&message);
	ok = message_receive_fd(&message, outside->polled[0].fd, &fd,
		 io_deadline(TIMEOUT_PIPE)) == IO_OK;
	message_free(&message);
	if (fd >= 0 && outside->count <= OUTSIDE_CLIENTS)
		outside->polled[outside->count++] =
		    (struct pollfd){ .fd = fd, .events = POLLIN };
	else if (fd >= 0)
		close(fd);
	return ok;
}

static void
outside_loop(struct outside *outside)
{
	for (;;) {
		if (poll(outside->polled, (nfds_t)outside->count, -1) < 0) {
			if (errno == EINTR || errno == ENOMEM)
				continue;
			return;
		}
		for (size_t i = outside->count; i-- > 1;) {
			struct pollfd *client = &outside->polled[i];

			if (client->revents == 0 ||
			    serve_client(outside, client->fd))
				continue;
			close(client->fd);
			*client = outside->polled[--outside->count];
		}
		if (outside->polled[0].revents != 0 && !take_client(outside))
			return;
	}
}

static _Noreturn void
outside_run(const void *context, int fd)
{
	struct outside *outside = alloc_zero(1, sizeof(*outside));
	const struct jail_request request = { .keep_count = 3 };
	const struct sigaction ignore = { .sa_handler = SIG_IGN },
			       normal = { .sa_handler = SIG_DFL };
	struct why why = { 0 };

	outside->settings = context;
	sigaction(SIGPIPE, &ignore, NULL);
	/* The program's end is waited for. */
	sigaction(SIGCHLD, &normal, NULL);
	log_move(STDERR_FILENO);
	if (dup2(fd, STDIN_FILENO) < 0 ||
	    !jail_enter(jail_find("relay-outside"), outside->settings, &request,
		&why)) {
		log_error("relay-outside: %s", why.text);
		_exit(1);
	}
	outside->polled[0].fd = STDIN_FILENO;
	outside->polled[0].events = POLLIN;
	outside->count = 1;
	outside_loop(outside);
	_exit(0);
}

bool
relay_outside_start(
    const struct settings *settings, int *control, struct why *why)
{
	*control = -1;
	if (settings->relay_token_command[0] == '\0' &&
	    settings->lmtp_sockets.count == 0)
		return true;
	*control = program_fork_helper(outside_run, settings, NULL, why);
	return *control >= 0;
}

int
relay_outside_client(int control)
{
	struct message message;
	enum io_status status;
	int ends[2];

	if (control < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	message_init(&message);
	message_begin(&message, OUTSIDE_CLIENT);
	status = message_send_fd(
	    &message, control, ends[1], io_deadline(TIMEOUT_PIPE));
	message_free(&message);
	close(ends[1]);
	if (status == IO_OK)
		return ends[0];
	close(ends[0]);
	return -1;
}
