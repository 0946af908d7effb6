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
#include "common/passing.h"

#define FRONT_LINGER_SECONDS 2

struct front_options {
	const char *path;
	const char *listener;
	bool is_pooled;
};

static bool
parse_options(int argc, char *const argv[], struct front_options *options)
{
	int option;

	memset(options, 0, sizeof(*options));
	optind = 1;
	while ((option = getopt(argc, argv, "c:ps:")) != -1) {
		if (option == 'c')
			options->path = optarg;
		else if (option == 'p')
			options->is_pooled = true;
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

	sigaction(SIGPIPE, &ignore, NULL);
	/* Whoever started us may have ignored it: then no child could be
	 * waited for. */
	sigaction(SIGCHLD, &reset, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* libc reads the time zone now or never. */
	localtime_r(&zero, &tm);
	if (log_descriptor() == STDERR_FILENO)
		protect_stderr();
	else
		log_move(STDERR_FILENO);
}

static void
state_init(struct front_state *state, const struct front *front,
    const struct settings *settings, struct front_resident *resident)
{
	struct connection *c = &state->connection;
	struct netaddr peer, local;
	int on = 1;

	io_set_nodelay(0);
	(void)setsockopt(0, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	memset(state, 0, sizeof(*state));
	state->front = front;
	state->resident = resident;
	state->phase = FRONT_OPEN;
	state->deadline = io_deadline(TIMEOUT_SMTP_SESSION);
	state->control = state->enqueue = -1;
	state->credentials = state->handover = -1;
	c->settings = settings;
	netaddr_of_peer(&peer, 0);
	netaddr_of_socket(&local, 0);
	front_set_peer(c, &peer, &local);
	make_id(c->id);
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

/* After a request that ends it the session has nothing more to say. Its
 * pipe to enqueue closes with it, and so its transaction is over. */
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
	front_close(&state->credentials);
	state->has_enqueue = false;
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
		if (next != FRONT_START_TLS && next != FRONT_START_SESSION)
			return next;
		front_close(&state->handover);
	}
}

/* The connection on 0 and 1, to its end. */
static int
serve_connection(struct front_state *state, const struct listener *listener)
{
	enum front_next end;

	state->connection.listener = listener;
	end = front_take_proxy(state) ? run_sessions(state) : FRONT_END;
	if (state->session < 0)
		front_refuse(listener, 1, REFUSAL_FAILED);
	front_close(&state->handover);
	close_network();
	if (!front_reap_others(state, io_deadline(TIMEOUT_PIPE)) ||
	    end == FRONT_HAND_OVER || state->session < 0)
		return EX_TEMPFAIL;
	return end == FRONT_END ? EX_PROTOCOL : EX_OK;
}

/* The next connection of merpatid's, on 0 and 1. */
static const struct listener *
take_offer(const struct front *front)
{
	int attached[PASSING_MAX];
	struct front_offer offer;
	const struct listener *listener = listener_table;
	uint32_t i;

	if (passing_receive(FRONT_POOL, &offer, sizeof(offer), attached,
		IO_FOREVER) != IO_OK ||
	    attached[0] < 0)
		return NULL;
	for (i = 0; i < offer.listener && listener->name != NULL; i++)
		listener++;
	if (listener->name == NULL ||
	    strcmp(listener->program, front->program) != 0 ||
	    dup2(attached[0], 0) < 0 || dup2(attached[0], 1) < 0)
		return NULL;
	close(attached[0]);
	return listener;
}

/* 0 and 1 are never free: a new pipe would get their numbers. */
static bool
release_connection(int null)
{
	return dup2(null, 0) == 0 && dup2(null, 1) == 1 &&
	       notice_send(FRONT_NOTICE, NOTICE_DONE, NULL);
}

static int
serve_offers(const struct front *front, const struct settings *settings,
    struct front_resident *resident)
{
	const struct listener *listener;
	struct front_state state;
	struct why why;
	int code = EX_OK, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	while (null >= 0 && code == EX_OK &&
	       (listener = take_offer(front)) != NULL) {
		state_init(&state, front, settings, resident);
		code = serve_connection(&state, listener);
		if (code == EX_OK && !release_connection(null))
			code = EX_OSERR;
		/* After the notice: the client's wait is over. */
		if (code == EX_OK)
			front_prepare_session(
			    &resident->waiting, front, settings, &why);
	}
	return code;
}

static int
serve_one(const struct front *front, const struct settings *settings,
    const char *name, struct front_resident *resident)
{
	const struct listener *listener;
	struct front_state state;

	state_init(&state, front, settings, resident);
	listener = choose_listener(front, name, state.connection.local.port);
	if (listener != NULL)
		return serve_connection(&state, listener);
	log_error("%s has no listener %s", front->program, name);
	return EX_USAGE;
}

int
front_run(const struct front *front, const struct settings *settings, int argc,
    char *const argv[])
{
	struct front_options options;
	struct front_resident resident;
	int code;

	if (!parse_options(argc, argv, &options))
		return EX_USAGE;
	prepare_process();
	front_resident_init(&resident);
	if (options.is_pooled)
		resident.notices = FRONT_NOTICE;
	code = options.is_pooled
		   ? serve_offers(front, settings, &resident)
		   : serve_one(front, settings, options.listener, &resident);
	front_resident_end(&resident, io_deadline(TIMEOUT_PIPE));
	return code;
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
