/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/io.h"
#include "common/log.h"
#include "common/passing.h"
#include "common/program.h"
#include "common/server_admission.h"
#include "common/server_children.h"
#include "common/server_notice.h"
#include "common/server_qmgr.h"
#include "common/server_settings.h"

#define SERVER_ACCEPT_ROUND 32        /* connections of one socket in a row */
#define SERVER_END_SECONDS  10        /* children get this long after SIGTERM */
#define NO_MEMORY_NS        500000000 /* before poll is tried again */

struct server {
	struct server_settings all;
	struct settings *settings; /* all.own */
	char *path;                /* NULL: the default */
	bool is_inetd;             /* its socket came from inetd */
	struct server_sockets sockets;
	struct server_children children;
	int notices[2]; /* FRONT_NOTICE of all fronts: ours, theirs */
	int signals;
	struct server_qmgr qmgr;
	int64_t used; /* the last connection, io_now() */
	bool is_ending;
};

/* Before anybody is told that the server listens: a signal that comes then
 * waits. */
static bool
open_signals(struct server *server)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (server->signals < 0)
		log_error("signalfd: %s", strerror(errno));
	return server->signals >= 0;
}

/* Fronts wait when it is full; we never do. */
static bool
open_notices(struct server *server)
{
	if (pipe2(server->notices, O_CLOEXEC) == 0 &&
	    io_set_nonblocking(server->notices[0], true))
		return true;
	log_error("pipe: %s", strerror(errno));
	return false;
}

static struct server *
make_server(struct server_settings *settings, const char *path)
{
	struct server *server = alloc_zero(1, sizeof(*server));

	server->all = *settings;
	memset(settings, 0, sizeof(*settings));
	server->settings = server->all.own;
	server->signals = server->notices[0] = server->notices[1] = -1;
	server->used = io_now();
	if (path != NULL)
		server->path = alloc_string(path);
	if (!open_signals(server) || !open_notices(server))
		server_free(&server);
	return server;
}

struct server *
server_new(struct server_settings *settings, const char *path)
{
	struct server *server = make_server(settings, path);

	if (server == NULL)
		return NULL;
	server_qmgr_init(&server->qmgr);
	if (!server_listen_open(server->settings, NULL, &server->sockets))
		server_free(&server);
	return server;
}

struct server *
server_new_inetd(struct server_settings *settings, const char *path,
    const struct listener *listener, int fd)
{
	struct server *server = make_server(settings, path);

	if (server == NULL)
		return NULL;
	server->is_inetd = true;
	server_listen_take(listener, fd, &server->sockets);
	return server;
}

void
server_free(struct server **server)
{
	struct server *s = *server;

	server_listen_close(&s->sockets);
	server_children_free(&s->children);
	server_settings_free(&s->all);
	alloc_release(s->path);
	if (s->signals >= 0)
		close(s->signals);
	for (int i = 0; i < 2; i++)
		if (s->notices[i] >= 0)
			close(s->notices[i]);
	alloc_release(s);
	*server = NULL;
}

/* A file that disappears or is half written keeps the old settings. */
static bool
reload(struct server *server)
{
	if (!server_settings_reload(&server->all, server->path)) {
		log_error("settings are in error: the old ones stay");
		return false;
	}
	server->settings = server->all.own;
	/* Each front has the settings that it was started with. */
	server_children_retire(&server->children, IO_FOREVER, true);
	log_info("settings read again");
	return true;
}

static void
reload_if_changed(struct server *server)
{
	if (server_settings_have_changed(&server->all))
		reload(server);
}

static void
hang_up(struct server *server)
{
	struct server_sockets old = server->sockets;

	if (!reload(server) || server->is_inetd)
		return;
	if (!server_listen_open(server->settings, &old, &server->sockets))
		log_error("not all sockets could be opened");
	server_listen_close(&old);
	server_qmgr_kill(&server->qmgr, SIGHUP);
}

static void
evict(struct server_child *child, const char *reason)
{
	char text[NETADDR_TEXT_SIZE];

	log_warning("ended a connection of %s: %s",
	    netaddr_format(&child->peer, text), reason);
	child->is_leaving = true;
	server_children_drop(child);
	kill(child->pid, SIGTERM);
}

static bool
admit(struct server *server, const struct listener *listener, int fd,
    const struct newcomer *newcomer)
{
	static const char *const limits[] = {
		[ADMISSION_CLIENT] = "rate_client",
		[ADMISSION_NETWORK] = "too many of its network",
		[ADMISSION_FULL] = "max_connections",
	};
	struct admission_limits figures = admission_limits_of(server->settings);
	char text[NETADDR_TEXT_SIZE];
	enum admission admission;
	size_t victim;

	admission =
	    admission_decide(&figures, &server->children, newcomer, &victim);
	if (admission == ADMISSION_EVICT)
		evict(&server->children.items[victim],
		    "its place is needed (max_connections)");
	if (admission == ADMISSION_YES || admission == ADMISSION_EVICT)
		return true;
	log_warning("%s: refused %s: %s", listener->name,
	    netaddr_format(&newcomer->peer, text), limits[admission]);
	front_refuse(listener, fd,
	    admission == ADMISSION_FULL ? REFUSAL_BUSY : REFUSAL_CLIENT);
	return false;
}

/* A front of this program that waits for offers. */
static struct server_child *
start_front(struct server *server, const char *program, struct why *why)
{
	struct program_start start = { .name = program,
		.arguments = { "-p" },
		.descriptors = { -1, -1, -1 },
		.descriptor_count = FRONT_NOTICE + 1 };
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		why_errno(why, "socketpair");
		return NULL;
	}
	start.descriptors[FRONT_POOL] = ends[1];
	start.descriptors[FRONT_NOTICE] = server->notices[1];
	pid = program_spawn(
	    server_settings_for(&server->all, program), &start, why);
	close(ends[1]);
	if (pid > 0)
		return server_children_add(
		    &server->children, pid, program, ends[0]);
	close(ends[0]);
	return NULL;
}

static bool
offer(struct server *server, struct server_child *child,
    const struct listener *listener, int fd, const struct newcomer *newcomer)
{
	struct front_offer offer = { .listener = (uint32_t)(listener -
							    listener_table) };

	if (!passing_send(
		child->offers, slice_make(&offer, sizeof(offer)), &fd, 1)) {
		/* It is about to be reaped. */
		server_children_drop(child);
		return false;
	}
	server_children_begin(&server->children, child, &newcomer->peer);
	child->is_trusted = newcomer->is_trusted;
	return true;
}

static void
serve_connection(struct server *server, const struct listener *listener, int fd,
    const struct netaddr *peer)
{
	const struct newcomer newcomer = { .peer = *peer,
		.is_trusted = admission_is_trusted(server->settings, peer),
		.is_proxy = network_list_contains(
		    &server->settings->proxy_networks, peer),
		.now = io_now() };
	const char *program = listener->program;
	struct server_child *child;
	struct why why = { 0 };

	if (!admit(server, listener, fd, &newcomer))
		return;
	while ((child = server_children_waiting(&server->children, program)) !=
	       NULL)
		if (offer(server, child, listener, fd, &newcomer))
			return;
	child = start_front(server, program, &why);
	if (child != NULL && offer(server, child, listener, fd, &newcomer))
		return;
	log_error("%s: %s", listener->name, why.text);
	front_refuse(listener, fd, REFUSAL_BUSY);
}

/* A client behind a proxy is counted as itself from now on. */
static void
take_notice(struct server *server, const struct notice *notice)
{
	struct server_child *child =
	    server_children_find(&server->children, notice->pid);
	struct admission_limits limits = admission_limits_of(server->settings);

	if (child == NULL || child->is_leaving)
		return;
	if (notice->kind == NOTICE_DONE)
		server_children_notice(&server->children, notice->pid);
	if (notice->kind == NOTICE_LOGIN)
		child->is_logged_in = true;
	if (notice->kind == NOTICE_MAIL)
		child->has_mail = true;
	if (notice->kind != NOTICE_PEER)
		return;
	child->peer = notice->peer;
	child->is_trusted =
	    admission_is_trusted(server->settings, &child->peer);
	if (admission_is_over(&limits, &server->children, child))
		evict(child, "rate_client");
}

static void
take_notices(struct server *server)
{
	struct notice notice;

	while (notice_receive(server->notices[0], &notice))
		take_notice(server, &notice);
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
		server->used = io_now();
		netaddr_from_sockaddr(
		    &peer, (const struct sockaddr *)&address, size);
		serve_connection(server, s->listener, fd, &peer);
		close(fd);
	}
}

/* False: not a front, or one that was told to end. */
static bool
remove_child(struct server *server, pid_t pid)
{
	const struct server_child *child =
	    server_children_find(&server->children, pid);
	bool was_leaving = child != NULL && child->is_leaving;

	return server_children_remove(&server->children, pid) && !was_leaving;
}

static void
reap(struct server *server)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (server_qmgr_ended(
			&server->qmgr, pid, status, server->is_ending))
			continue;
		if (remove_child(server, pid) && WIFSIGNALED(status) &&
		    !server->is_ending)
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

enum {
	POLL_SIGNALS,
	POLL_NOTICES,
	POLL_SOCKETS /* and more */
};

/* Signals come last: a hang-up changes the sockets. Notices come first: who
 * waits can take the next connection. */
static void
take_events(struct server *server, const struct pollfd *pollers)
{
	const struct pollfd *sockets = pollers + POLL_SOCKETS;

	if (pollers[POLL_NOTICES].revents != 0)
		take_notices(server);
	for (size_t i = 0; i < server->sockets.count; i++) {
		if (sockets[i].revents == 0)
			continue;
		reload_if_changed(server);
		accept_some(server, &server->sockets.items[i]);
	}
	if (pollers[POLL_SIGNALS].revents != 0)
		take_signals(server);
}

/* Until qmgr is due, or a front may have waited for long. */
static int
time_to_wait(const struct server *server)
{
	int qmgr = server_qmgr_wait(&server->qmgr);
	int idle = SERVER_IDLE_TIME * 1000;

	if (server->children.count == server->children.busy &&
	    !server->is_inetd)
		return qmgr;
	return qmgr >= 0 && qmgr < idle ? qmgr : idle;
}

/* inetd watches its socket again when we are gone; what comes between
 * waits in its backlog. */
static bool
is_unused(const struct server *server)
{
	return server->is_inetd && server->children.busy == 0 &&
	       io_now() - server->used >= SERVER_IDLE_TIME * 1000;
}

/* A moment without memory is no reason to end the host. */
static bool
may_poll_again(int error)
{
	const struct timespec pause = { .tv_nsec = NO_MEMORY_NS };

	if (error != ENOMEM)
		return error == EINTR;
	log_warning("poll: %s; tries again", strerror(error));
	nanosleep(&pause, NULL);
	return true;
}

static bool
run_round(struct server *server, struct why *why)
{
	struct pollfd pollers[POLL_SOCKETS + SERVER_LISTENERS_MAX];
	size_t count = server->sockets.count;
	int n;

	pollers[POLL_SIGNALS] =
	    (struct pollfd){ .fd = server->signals, .events = POLLIN };
	pollers[POLL_NOTICES] =
	    (struct pollfd){ .fd = server->notices[0], .events = POLLIN };
	for (size_t i = 0; i < count; i++)
		pollers[POLL_SOCKETS + i] =
		    (struct pollfd){ .fd = server->sockets.items[i].fd,
			    .events = POLLIN };
	n = poll(pollers, POLL_SOCKETS + count, time_to_wait(server));
	if (n < 0 && !may_poll_again(errno))
		return why_errno(why, "poll");
	if (n > 0)
		take_events(server, pollers);
	server_children_retire(
	    &server->children, io_now() - SERVER_IDLE_TIME * 1000, false);
	if (is_unused(server))
		server->is_ending = true;
	if (!server->is_ending)
		server_qmgr_start_if_due(&server->qmgr, server->settings);
	return true;
}

static void
signal_all(const struct server *server, int number)
{
	server_children_kill(&server->children, number);
	server_qmgr_kill(&server->qmgr, number);
}

static void
end_children(struct server *server)
{
	int64_t deadline = io_deadline(SERVER_END_SECONDS);

	server_listen_close(&server->sockets);
	signal_all(server, SIGTERM);
	for (;;) {
		reap(server);
		if (server->children.count == 0 && server->qmgr.pid == 0)
			return;
		if (io_wait_readable(server->signals, deadline) != IO_OK)
			break;
		take_signals(server);
	}
	log_warning("%zu processes do not end: killed",
	    server->children.count + (server->qmgr.pid > 0));
	signal_all(server, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
}

bool
server_run(struct server *server, struct why *why)
{
	bool ok = true;

	while (ok && !server->is_ending)
		ok = run_round(server, why);
	end_children(server);
	return ok;
}
