/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/account.h"
#include "common/alloc.h"
#include "common/io.h"
#include "common/log.h"
#include "common/program.h"
#include "common/server_children.h"

#define SERVER_ACCEPT_ROUND 32   /* connections of one socket in a row */
#define SERVER_END_SECONDS  10   /* children get this long after SIGTERM */
#define QMGR_BACKOFF_FIRST  1000 /* milliseconds */
#define QMGR_BACKOFF_LAST   60000

/* Programs whose fronts are started; "smtpd.name = value" is for one. */
static const char *const server_programs[] = { "smtpd", "pop3d", "imapd" };

#define SERVER_PROGRAMS (sizeof(server_programs) / sizeof(server_programs[0]))

/* All that mail.conf says: to this server, and to each program. */
struct server_settings {
	struct settings *own;
	struct settings *programs[SERVER_PROGRAMS];
};

struct server {
	struct server_settings all;
	struct settings *settings; /* all.own */
	char *path;                /* NULL: the default */
	struct stat seen;          /* mail.conf as it was read */
	struct server_sockets sockets;
	struct server_children children;
	int signals;
	pid_t qmgr; /* 0: not running */
	int64_t qmgr_started, qmgr_next, qmgr_backoff;
	bool is_ending;
};

/* What identifies a version of the settings file. */
static void
note_file(const struct settings *settings, struct stat *st)
{
	if (settings->path[0] == '\0' || stat(settings->path, st) < 0)
		memset(st, 0, sizeof(*st));
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static struct settings *
load_one(const char *path, const char *program, bool *ok)
{
	struct settings_errors errors = { 0 };
	struct settings *settings = settings_load(path, program, &errors);

	for (size_t i = 0; *ok && i < errors.count; i++)
		log_error("%s", errors.texts[i]);
	*ok = *ok && errors.count == 0;
	settings_errors_free(&errors);
	account_prefetch(settings);
	return settings;
}

static bool
load_programs(const char *path, struct server_settings *all)
{
	bool ok = true;

	for (size_t i = 0; i < SERVER_PROGRAMS; i++)
		all->programs[i] = load_one(path, server_programs[i], &ok);
	return ok;
}

static void
free_all(struct server_settings *all)
{
	settings_free(&all->own);
	for (size_t i = 0; i < SERVER_PROGRAMS; i++)
		settings_free(&all->programs[i]);
}

struct server *
server_new(struct settings *settings, const char *path)
{
	struct server *server = alloc_zero(1, sizeof(*server));

	server->all.own = server->settings = settings;
	server->signals = -1;
	server->qmgr_backoff = QMGR_BACKOFF_FIRST;
	if (path != NULL)
		server->path = alloc_string(path);
	note_file(settings, &server->seen);
	if (!load_programs(path, &server->all) ||
	    !server_listen_open(settings, NULL, &server->sockets))
		server_free(&server);
	return server;
}

void
server_free(struct server **server)
{
	struct server *s = *server;

	server_listen_close(&s->sockets);
	server_children_free(&s->children);
	free_all(&s->all);
	alloc_release(s->path);
	if (s->signals >= 0)
		close(s->signals);
	alloc_release(s);
	*server = NULL;
}

/* A file that disappears or is half written keeps the old settings. */
static bool
reload(struct server *server)
{
	struct server_settings fresh = { NULL, { NULL } };
	bool ok = true;

	note_file(server->settings, &server->seen);
	fresh.own = load_one(server->path, NULL, &ok);
	ok = ok && load_programs(server->path, &fresh);
	if (!ok) {
		log_error("settings are in error: the old ones stay");
		free_all(&fresh);
		return false;
	}
	free_all(&server->all);
	server->all = fresh;
	server->settings = fresh.own;
	log_info("settings read again");
	return true;
}

static const struct settings *
settings_for(const struct server *server, const char *program)
{
	for (size_t i = 0; i < SERVER_PROGRAMS; i++)
		if (strcmp(server_programs[i], program) == 0)
			return server->all.programs[i];
	return server->settings;
}

static void
reload_if_changed(struct server *server)
{
	struct stat now;

	note_file(server->settings, &now);
	if (!is_same_file(&now, &server->seen))
		reload(server);
}

static void
hang_up(struct server *server)
{
	struct server_sockets old = server->sockets;

	if (!reload(server))
		return;
	if (!server_listen_open(server->settings, &old, &server->sockets))
		log_error("not all sockets could be opened");
	server_listen_close(&old);
	if (server->qmgr > 0)
		kill(server->qmgr, SIGHUP);
}

static bool
is_over_client_limit(const struct server *server, const struct netaddr *peer)
{
	const struct settings *settings = server->settings;

	if (settings->rate_client == 0 || netaddr_is_loopback(peer) ||
	    network_list_contains(&settings->mynetworks, peer))
		return false;
	return server_children_count(&server->children, peer) >=
	       settings->rate_client;
}

static void
serve_connection(struct server *server, const struct listener *listener, int fd,
    const struct netaddr *peer)
{
	struct program_start start = { .name = listener->program,
		.arguments = { "-s", listener->name },
		.descriptors = { fd, fd, -1 },
		.descriptor_count = 3 };
	char text[NETADDR_TEXT_SIZE];
	struct why why;
	pid_t pid;

	if (server->children.count >= server->settings->max_connections) {
		log_warning("%s: refused %s: max_connections", listener->name,
		    netaddr_format(peer, text));
		front_refuse(listener, fd, REFUSAL_BUSY);
		return;
	}
	if (is_over_client_limit(server, peer)) {
		log_warning("%s: refused %s: rate_client", listener->name,
		    netaddr_format(peer, text));
		front_refuse(listener, fd, REFUSAL_CLIENT);
		return;
	}
	pid = program_spawn(
	    settings_for(server, listener->program), &start, &why);
	if (pid > 0) {
		server_children_add(&server->children, pid, peer);
		return;
	}
	log_error("%s", why.text);
	front_refuse(listener, fd, REFUSAL_BUSY);
}

static void
accept_some(struct server *server, const struct server_socket *s)
{
	struct sockaddr_storage address;
	struct netaddr peer;
	socklen_t size;
	int fd;

	for (int i = 0; i < SERVER_ACCEPT_ROUND; i++) {
		size = sizeof(address);
		fd = accept4(
		    s->fd, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno != EAGAIN && errno != ECONNABORTED &&
			    errno != EINTR)
				log_error("accept: %s", strerror(errno));
			return;
		}
		netaddr_from_sockaddr(
		    &peer, (const struct sockaddr *)&address, size);
		serve_connection(server, s->listener, fd, &peer);
		close(fd);
	}
}

static void
start_qmgr(struct server *server)
{
	struct program_start start = { .name = "qmgr",
		.descriptors = { -1, -1, -1 },
		.descriptor_count = 3 };
	struct why why;
	pid_t pid = program_spawn(server->settings, &start, &why);

	server->qmgr_started = io_now();
	if (pid > 0) {
		server->qmgr = pid;
		return;
	}
	log_error("%s", why.text);
	server->qmgr_next = io_now() + server->qmgr_backoff;
}

static void
qmgr_ended(struct server *server, int status)
{
	int64_t ran = io_now() - server->qmgr_started;

	server->qmgr = 0;
	if (server->is_ending)
		return;
	if (ran > QMGR_BACKOFF_LAST)
		server->qmgr_backoff = QMGR_BACKOFF_FIRST;
	log_error("qmgr ended (%s %d), starts again in %lld s",
	    WIFSIGNALED(status) ? "signal" : "code",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	    (long long)server->qmgr_backoff / 1000);
	server->qmgr_next = io_now() + server->qmgr_backoff;
	server->qmgr_backoff *= 2;
	if (server->qmgr_backoff > QMGR_BACKOFF_LAST)
		server->qmgr_backoff = QMGR_BACKOFF_LAST;
}

static void
reap(struct server *server)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == server->qmgr)
			qmgr_ended(server, status);
		else if (server_children_remove(&server->children, pid) &&
			 WIFSIGNALED(status) && !server->is_ending)
			log_error("front %ld ended by signal %d", (long)pid,
			    WTERMSIG(status));
	}
}

static void
take_signals(struct server *server)
{
	struct signalfd_siginfo signal;

	while (read(server->signals, &signal, sizeof(signal)) ==
	       (ssize_t)sizeof(signal)) {
		if (signal.ssi_signo == SIGCHLD)
			reap(server);
		else if (signal.ssi_signo == SIGHUP && !server->is_ending)
			hang_up(server);
		else if (signal.ssi_signo != SIGHUP)
			server->is_ending = true;
	}
}

static int
time_to_qmgr(const struct server *server)
{
	int64_t left = server->qmgr_next - io_now();

	if (server->qmgr > 0)
		return -1;
	return left < 0 ? 0 : (int)left;
}

/* Signals come last: a hang-up changes the sockets. */
static void
take_events(struct server *server, const struct pollfd *pollers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (pollers[i].revents == 0)
			continue;
		reload_if_changed(server);
		accept_some(server, &server->sockets.items[i]);
	}
	if (pollers[count].revents != 0)
		take_signals(server);
}

static bool
run_round(struct server *server, struct why *why)
{
	struct pollfd pollers[SERVER_LISTENERS_MAX + 1];
	size_t count = server->sockets.count;
	int n;

	for (size_t i = 0; i < count; i++)
		pollers[i] = (struct pollfd){ .fd = server->sockets.items[i].fd,
			.events = POLLIN };
	pollers[count] =
	    (struct pollfd){ .fd = server->signals, .events = POLLIN };
	n = poll(pollers, count + 1, time_to_qmgr(server));
	if (n < 0 && errno != EINTR)
		return why_errno(why, "poll");
	if (n > 0)
		take_events(server, pollers, count);
	if (!server->is_ending && time_to_qmgr(server) == 0)
		start_qmgr(server);
	return true;
}

static void
signal_all(const struct server *server, int number)
{
	server_children_kill(&server->children, number);
	if (server->qmgr > 0)
		kill(server->qmgr, number);
}

static void
end_children(struct server *server)
{
	int64_t deadline = io_deadline(SERVER_END_SECONDS);

	server_listen_close(&server->sockets);
	signal_all(server, SIGTERM);
	for (;;) {
		reap(server);
		if (server->children.count == 0 && server->qmgr == 0)
			return;
		if (io_wait_readable(server->signals, deadline) != IO_OK)
			break;
		take_signals(server);
	}
	log_warning("%zu processes do not end: killed",
	    server->children.count + (server->qmgr > 0));
	signal_all(server, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
}

bool
server_run(struct server *server, struct why *why)
{
	bool ok = true;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (server->signals < 0)
		return why_errno(why, "signalfd");
	start_qmgr(server);
	while (ok && !server->is_ending)
		ok = run_round(server, why);
	end_children(server);
	return ok;
}
