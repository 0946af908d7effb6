/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/server_inetd.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/server.h"
#include "common/server_children.h"

/* The listening socket, away from the standard descriptors; inetd has put it
 * on all three. -1: there is none. */
static int
take_socket(void)
{
	int fd, null, listens = 0;
	socklen_t size = sizeof(listens);
	struct stat network, error;

	if (getsockopt(
		STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 ||
	    listens == 0 || fstat(STDIN_FILENO, &network) < 0)
		return -1;
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0 || null < 0)
		return -1;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (fstat(STDERR_FILENO, &error) < 0 ||
	    (error.st_dev == network.st_dev && error.st_ino == network.st_ino))
		dup2(null, STDERR_FILENO);
	close(null);
	return fd;
}

/* Errors are logged. Whatever comes of it, all is to be freed. */
static bool
load(struct server_settings *all, const char *path)
{
	struct settings_errors errors = { 0 };
	struct settings *settings = settings_load(path, NULL, &errors);
	bool ok = errors.count == 0;

	log_open("merpatid", settings->log_file,
	    (enum log_level)settings->log_level);
	settings_errors_log(&errors);
	settings_errors_free(&errors);
	memset(all, 0, sizeof(*all));
	return server_settings_take(all, settings, path) && ok;
}

static void
refuse_one(const struct listener *listener, int fd)
{
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	if (client < 0)
		return;
	front_refuse(listener, client, REFUSAL_SETTINGS);
	close(client);
}

static int
serve(struct server_settings *all, const char *path,
    const struct listener *listener, int fd)
{
	struct server *server = server_new_inetd(all, path, listener, fd);
	struct why why = { 0 };
	bool ok;

	if (server == NULL)
		return EX_OSERR;
	ok = server_run(server, &why);
	if (!ok)
		log_error("%s", why.text);
	server_free(&server);
	return ok ? EX_OK : EX_OSERR;
}

int
server_inetd_run(const char *path, const char *name)
{
	const struct listener *listener = listener_find(slice_of(name));
	struct server_settings all;
	int fd = take_socket();

	if (listener == NULL || fd < 0)
		return EX_USAGE;
	/* Else the next inetd would find its port taken. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	io_set_nonblocking(fd, true);
	while (io_wait_readable(fd, io_deadline(SERVER_IDLE_TIME)) == IO_OK) {
		if (load(&all, path))
			return serve(&all, path, listener, fd);
		server_settings_free(&all);
		refuse_one(listener, fd);
	}
	return EX_OK;
}
