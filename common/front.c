/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/front.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "common/front_state.h"
#include "common/limits.h"
#include "common/log.h"

#define FRONT_LINGER_SECONDS 2

struct front_options {
	const char *path;
	const char *listener;
};

static bool
parse_options(int argc, char *const argv[], struct front_options *options)
{
	int option;

	memset(options, 0, sizeof(*options));
	optind = 1;
	while ((option = getopt(argc, argv, "c:s:")) != -1) {
		if (option == 'c')
			options->path = optarg;
		else if (option == 's')
			options->listener = optarg;
		else
			return false;
	}
	return optind == argc;
}

/* The listener asked for, else the one of the socket's port, else the
 * program's first. */
static const struct listener *
choose_listener(const struct front *front, const char *name, uint16_t port)
{
	const struct listener *first = NULL;

	for (const struct listener *l = listener_table; l->name != NULL; l++) {
		if (strcmp(l->program, front->program) != 0)
			continue;
		if (name == NULL ? l->port == port : strcmp(l->name, name) == 0)
			return l;
		if (first == NULL)
			first = l;
	}
	return name == NULL ? first : NULL;
}

/* 13 letters, as the ids of messages. */
static void
make_id(char id[16])
{
	static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	unsigned char random[13] = { 0 };

	if (getrandom(random, sizeof(random), 0) < 0)
		memcpy(random, &(pid_t){ getpid() }, sizeof(pid_t));
	for (size_t i = 0; i < sizeof(random); i++)
		id[i] = letters[random[i] & 31];
	id[sizeof(random)] = '\0';
}

/* inetd gives the socket as standard error as well: no line of ours or of
 * libc may go there. */
static void
protect_stderr(void)
{
	struct stat network, error;
	int null;

	if (fstat(STDERR_FILENO, &error) == 0 &&
	    (fstat(STDIN_FILENO, &network) < 0 ||
		network.st_ino != error.st_ino ||
		network.st_dev != error.st_dev))
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || null == STDERR_FILENO)
		return;
	dup2(null, STDERR_FILENO);
	close(null);
}

static void
prepare_process(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction reset = { .sa_handler = SIG_DFL };
	sigset_t set;
	time_t zero = 0;
	struct tm tm;
	int on = 1;

	sigaction(SIGPIPE, &ignore, NULL);
	/* Whoever started us may have ignored it: then no child could be
	 * waited for. */
	sigaction(SIGCHLD, &reset, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	io_set_nodelay(0);
	(void)setsockopt(0, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	/* libc reads the time zone now or never. */
	localtime_r(&zero, &tm);
	if (log_descriptor() == STDERR_FILENO)
		protect_stderr();
	else
		log_move(STDERR_FILENO);
}

static void
state_init(struct front_state *state, const struct front *front,
    const struct settings *settings)
{
	struct connection *c = &state->connection;

	memset(state, 0, sizeof(*state));
	state->front = front;
	state->phase = FRONT_OPEN;
	state->deadline = io_deadline(TIMEOUT_SMTP_SESSION);
	state->control = state->enqueue = state->facts = -1;
	state->credentials = state->handover = -1;
	c->settings = settings;
	netaddr_of_peer(&c->peer, 0);
	netaddr_of_socket(&c->local, 0);
	make_id(c->id);
	c->may_auth_in_clear =
	    network_list_contains(&settings->cleartext_auth, &c->peer);
}

/* One session's requests, until it ends or something else begins. */
static enum front_next
serve(struct front_state *state)
{
	enum front_next next = FRONT_GO_ON;
	struct control control;
	enum io_status status;

	while (next == FRONT_GO_ON) {
		status =
		    control_receive(state->control, &control, state->deadline);
		if (status == IO_OK) {
			next = front_request_run(state, control);
			continue;
		}
		if (status != IO_EOF)
			log_error("%s: session: %s", state->connection.id,
			    status == IO_TIMEOUT ? "too long"
						 : "malformed request");
		return status == IO_EOF ? FRONT_GO_ON : FRONT_END;
	}
	return next;
}

/* After a request that ends it the session has nothing more to say. The
 * pipe to enqueue closes with it, and so enqueue ends. */
static enum front_next
end_session(struct front_state *state, enum front_next next)
{
	int64_t deadline = io_deadline(TIMEOUT_AUTH);
	struct control extra;

	if (next == FRONT_END) {
		kill(state->session, SIGKILL);
	} else if (next != FRONT_GO_ON && control_receive(state->control,
					      &extra, deadline) != IO_EOF) {
		log_error(
		    "%s: session went on after its end", state->connection.id);
		kill(state->session, SIGKILL);
		next = FRONT_END;
	}
	front_close(&state->control);
	front_reap(state->session, deadline, "session");
	state->session = 0;
	front_close(&state->enqueue);
	front_close(&state->facts);
	front_close(&state->credentials);
	return next;
}

/* Input that nobody read would turn the close into a reset, and the reset
 * would overtake our last reply: it is thrown away unseen, for a while. */
static void
close_network(void)
{
	int64_t deadline = io_deadline(FRONT_LINGER_SECONDS);
	int waiting = 0;

	if (ioctl(0, FIONREAD, &waiting) == 0 && waiting > 0 &&
	    shutdown(0, SHUT_WR) == 0)
		while (io_wait_readable(0, deadline) == IO_OK &&
		       recv(0, NULL, 1 << 20, MSG_TRUNC | MSG_DONTWAIT) > 0)
			continue;
	close(0);
	close(1);
}

/* The course of a connection. Returns what it ended with. */
static enum front_next
run_sessions(struct front_state *state)
{
	enum front_next next = FRONT_START_TLS;

	if (!state->connection.listener->is_tls)
		next = FRONT_GO_ON;
	for (;;) {
		if (next == FRONT_START_TLS && !front_start_tls(state))
			return FRONT_GO_ON;
		if (!front_start_session(state))
			return FRONT_END;
		next = end_session(state, serve(state));
		if (next == FRONT_HAND_OVER)
			front_start_mailbox(state);
		if (next != FRONT_START_TLS)
			return next;
		front_close(&state->handover);
	}
}

int
front_run(const struct front *front, const struct settings *settings, int argc,
    char *const argv[])
{
	struct front_options options;
	struct front_state state;
	enum front_next end;

	if (!parse_options(argc, argv, &options))
		return EX_USAGE;
	prepare_process();
	state_init(&state, front, settings);
	state.connection.listener = choose_listener(
	    front, options.listener, state.connection.local.port);
	if (state.connection.listener == NULL) {
		log_error(
		    "%s has no listener %s", front->program, options.listener);
		return EX_USAGE;
	}
	end = run_sessions(&state);
	if (state.session < 0)
		front_refuse(state.connection.listener, 1, REFUSAL_FAILED);
	close_network();
	front_reap_all(io_deadline(TIMEOUT_PIPE));
	if (end == FRONT_HAND_OVER || state.session < 0)
		return EX_TEMPFAIL;
	return end == FRONT_END ? EX_PROTOCOL : EX_OK;
}

int
front_main(const struct front *front, int argc, char *const argv[])
{
	struct settings_errors errors = { 0 };
	struct front_options options;
	struct settings *settings;
	struct netaddr local;
	const struct listener *listener;
	int code = EX_CONFIG;

	protect_stderr();
	if (!parse_options(argc, argv, &options)) {
		fprintf(stderr, "usage: %s [-c file] [-s listener]\n",
		    front->program);
		return EX_USAGE;
	}
	settings = settings_load(options.path, front->program, &errors);
	log_open(front->program, settings->log_file,
	    (enum log_level)settings->log_level);
	if (errors.count == 0) {
		code = front_run(front, settings, argc, argv);
	} else {
		settings_errors_log(&errors);
		netaddr_of_socket(&local, 0);
		listener = choose_listener(front, options.listener, local.port);
		if (listener != NULL)
			front_refuse(listener, 1, REFUSAL_SETTINGS);
	}
	settings_errors_free(&errors);
	settings_free(&settings);
	return code;
}
