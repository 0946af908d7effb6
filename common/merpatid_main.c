/* SPDX-License-Identifier: ISC */
/*
 * merpatid: the stand-alone super-server. The fronts that are linked in
 * below start by a fork alone; the others, and every program that needs
 * OpenSSL, are executed.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fsutil.h"
#include "common/io.h"
#include "common/log.h"
#include "common/programs.h"
#include "common/server.h"
#include "common/server_inetd.h"

const struct program program_table[] = {
	{ "smtpd", smtpd_program },
	{ "pop3d", pop3d_program },
	{ "imapd", imapd_program },
	{ "enqueue", enqueue_program },
	{ "auth", auth_program },
	{ NULL, NULL },
};

struct merpatid_options {
	const char *path;
	const char *pid_file;
	const char *inetd; /* -w: the listener, else NULL */
	bool is_foreground;
	int ready; /* -1, or where "ready" is written */
};

static int
usage(void)
{
	fprintf(stderr,
	    "usage: merpatid [-f] [-c file] [-p pidfile] [-r descriptor]\n"
	    "       merpatid -w listener [-c file]\n"
	    "The second form is for inetd: it wants a listening socket on "
	    "0.\n");
	return EX_USAGE;
}

static bool
parse_options(int argc, char *const argv[], struct merpatid_options *options)
{
	uint64_t number;
	int option;

	memset(options, 0, sizeof(*options));
	options->ready = -1;
	while ((option = getopt(argc, argv, "c:fp:r:w:")) != -1) {
		switch (option) {
		case 'c':
			options->path = optarg;
			break;
		case 'f':
			options->is_foreground = true;
			break;
		case 'p':
			options->pid_file = optarg;
			break;
		case 'r':
			if (!slice_u64(slice_of(optarg), 1023, &number))
				return false;
			options->ready = (int)number;
			break;
		case 'w':
			options->inetd = optarg;
			break;
		default:
			return false;
		}
	}
	return optind == argc;
}

/* The parent stays until the child says that it listens, and ends with the
 * truth. Returns the descriptor to say it on; -1 for a failure. */
static int
become_daemon(void)
{
	int ends[2], null;
	char ready;
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid > 0) {
		close(ends[1]);
		do
			n = read(ends[0], &ready, 1);
		while (n < 0 && errno == EINTR);
		_exit(n == 1 ? EX_OK : EX_UNAVAILABLE);
	}
	close(ends[0]);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (pid < 0 || null < 0 || setsid() < 0 || chdir("/") < 0)
		return -1;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fd != log_descriptor())
			dup2(null, fd);
	close(null);
	return ends[1];
}

/* Held open and locked as long as this process lives: -1 with why when
 * another has it. */
static int
take_pid_file(const char *path, struct why *why)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0) {
		why_errno(why, "pid file %s", path);
		return -1;
	}
	if (!fs_lock(fd, true, io_now())) {
		why_set(why, "merpatid runs already (%s)", path);
	} else if (ftruncate(fd, 0) < 0) {
		why_errno(why, "write %s", path);
	} else if (fs_write_all(fd, slice_make(text, (size_t)n), why)) {
		return fd;
	}
	close(fd);
	return -1;
}

static void
say_ready(int daemon_fd, int ready)
{
	/* Who does not wait for it is served all the same. */
	if (daemon_fd >= 0) {
		(void)fs_write_all(daemon_fd, S("r"), NULL);
		close(daemon_fd);
	}
	if (ready >= 0) {
		(void)fs_write_all(ready, S("ready\n"), NULL);
		close(ready);
	}
}

static bool
serve(struct settings *settings, const struct merpatid_options *options,
    const char *pid_path, struct why *why)
{
	struct server_settings all = { .own = NULL };
	struct server *server = NULL;
	int daemon_fd = -1, pid_fd;
	bool ok;

	if (server_settings_take(&all, settings, options->path))
		server = server_new(&all, options->path);
	server_settings_free(&all);
	if (server == NULL)
		return why_set(why, "cannot listen");
	if (!options->is_foreground && (daemon_fd = become_daemon()) < 0)
		return why_errno(why, "become a daemon");
	pid_fd = take_pid_file(pid_path, why);
	if (pid_fd < 0)
		return false;
	log_rename("merpatid");
	log_info("started");
	say_ready(daemon_fd, options->ready);
	ok = server_run(server, why);
	unlink(pid_path);
	close(pid_fd);
	log_info("ended");
	server_free(&server);
	return ok;
}

static char *
default_pid_path(const struct settings *settings)
{
	size_t size = strlen(settings->state_directory) + 16;
	char *path = alloc_zero(size, 1);

	snprintf(path, size, "%s/merpatid.pid", settings->state_directory);
	return path;
}

/* Children inherit what is prepared here: an ignored SIGPIPE, the time
 * zone. */
static void
prepare_process(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	time_t zero = 0;
	struct tm tm;

	sigaction(SIGPIPE, &ignore, NULL);
	localtime_r(&zero, &tm);
	umask(022);
}

int
main(int argc, char *argv[])
{
	struct settings_errors errors = { 0 };
	struct merpatid_options options;
	struct settings *settings;
	struct why why = { 0 };
	char *pid_path;
	int code;
	bool ok;

	if (!parse_options(argc, argv, &options))
		return usage();
	if (options.inetd != NULL) {
		prepare_process();
		code = server_inetd_run(options.path, options.inetd);
		return code == EX_USAGE ? usage() : code;
	}
	settings = settings_load(options.path, NULL, &errors);
	for (size_t i = 0; i < errors.count; i++)
		fprintf(stderr, "merpatid: %s\n", errors.texts[i]);
	if (errors.count > 0)
		return EX_CONFIG;
	prepare_process();
	log_open("merpatid", settings->log_file,
	    (enum log_level)settings->log_level);
	pid_path = options.pid_file != NULL ? alloc_string(options.pid_file)
					    : default_pid_path(settings);
	ok = serve(settings, &options, pid_path, &why);
	if (!ok)
		log_error("%s", why.text);
	alloc_release(pid_path);
	return ok ? EX_OK : EX_UNAVAILABLE;
}
