/* SPDX-License-Identifier: ISC */
/*
 * qmgr: the queue manager. Started by init or merpatid; stays in the
 * foreground. -c names mail.conf.
 */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "common/program.h"
#include "common/settings.h"
#include "common/slice.h"

#include "queue/qmgr.h"

/* The spawners and pickup are executed. */
const struct program program_table[] = {
	{ NULL, NULL },
};

/* A signal is a byte in this pipe. */
static int stop_pipe[2] = { -1, -1 };

static void
ask_to_stop(int number)
{
	ssize_t n = write(stop_pipe[1], "s", 1);

	(void)number;
	(void)n;
}

static bool
catch_signals(void)
{
	struct sigaction action = { .sa_handler = ask_to_stop };

	if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	return true;
}

static int
run(const struct settings *settings, pid_t parent)
{
	struct qmgr_end end = { .parent = parent };

	umask(077);
	if (!catch_signals()) {
		log_error("no pipe for signals");
		return EX_OSERR;
	}
	end.stop_fd = stop_pipe[0];
	return qmgr_serve(settings, &end);
}

int
main(int argc, char *argv[])
{
	const char *path = NULL;
	struct settings_errors errors;
	struct settings *settings;
	uint64_t parent = 0;
	int option, status = EX_CONFIG;

	while ((option = getopt(argc, argv, "c:p:")) == 'c' || option == 'p') {
		if (option == 'c')
			path = optarg;
		else if (!slice_u64(slice_of(optarg), INT_MAX, &parent))
			break;
	}
	if (option != -1 || optind < argc) {
		fprintf(stderr, "usage: qmgr [-p pid] [-c file]\n");
		return EX_USAGE;
	}
	settings = settings_load(path, "qmgr", &errors);
	log_open(
	    "qmgr", settings->log_file, (enum log_level)settings->log_level);
	settings_errors_log(&errors);
	if (errors.count == 0)
		status = run(settings, (pid_t)parent);
	settings_errors_free(&errors);
	settings_free(&settings);
	return status;
}
