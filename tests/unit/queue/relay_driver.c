/* SPDX-License-Identifier: ISC */
/*
 * relay_driver - plays qmgr for relay: starts PROGRAM (relay or relay-spawn)
 * with a pipe on descriptor 0, sends one job per message file, and prints
 * the verdicts.
 *
 *   relay_driver [-sw] [-t LEVEL] [-n NEXTHOP] [-a LOGIN:PASSWORD] [-8]
 *       [-m MAIL_FLAGS] [-e ENVID] [-y PRIORITY] [-b SECONDS] [-N NOTIFY]
 *       [-O ORCPT] -p PROGRAM -c MAIL.CONF -d DOMAIN -f SENDER RECIPIENT... :
 * FILE...
 *
 * -s: PROGRAM is relay-spawn. -w: wait until the agent ends by itself, and
 * print "ended". -b: the time left for delivery. Each line out: FILE INDEX
 * STATUS CODE REMOTE TEXT; "flags INDEX FLAGS" of a verdict that has some; or
 * "done MAY_TAKE_ANOTHER".
 */
#include "config.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/job.h"
#include "common/settings.h"

struct driver {
	const char *program, *conf;
	bool is_spawner, is_waiting;
	struct job job;
	struct rcpt_options rcpt;
	struct job_recipient recipients[JOB_RECIPIENTS_MAX];
};

static void
die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* A build machine's root may lack the accounts of the jails. */
static void
become_nobody(void)
{
	const struct passwd *account = getpwnam("nobody");

	if (geteuid() != 0 || getpwnam("_mprelay") != NULL || account == NULL)
		return;
	if (setgroups(0, NULL) < 0 || setgid(account->pw_gid) < 0 ||
	    setuid(account->pw_uid) < 0)
		die("setuid");
}

static int
start_program(const struct driver *driver)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		dup2(pair[1], STDIN_FILENO);
		become_nobody();
		execl(driver->program, driver->program, "-c", driver->conf,
		    (char *)NULL);
		die(driver->program);
	}
	close(pair[1]);
	return pair[0];
}

static int
ask_spawner(int spawner)
{
	struct message message;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair");
	message_init(&message);
	message_begin(&message, SPAWN_AGENT);
	message_put_u32(&message, 0);
	message_put_u32(&message, 0);
	if (message_send_fd(&message, spawner, pair[1], io_deadline(5)) !=
	    IO_OK)
		die("spawner");
	close(pair[1]);
	message_free(&message);
	return pair[0];
}

static void
send_job(struct driver *driver, int agent, const char *file)
{
	struct message message;
	struct stat st;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		die(file);
	driver->job.body_length = (uint64_t)st.st_size;
	message_init(&message);
	job_encode(&message, &driver->job);
	if (message_send_fd(&message, agent, fd, io_deadline(5)) != IO_OK)
		die("agent");
	close(fd);
	message_free(&message);
}

static bool
print_answers(int agent, const char *file)
{
	struct message message;
	struct verdict verdict;
	uint64_t device = 0;
	uint8_t more = 0;
	bool is_done = false;

	message_init(&message);
	while (!is_done &&
	       message_receive(&message, agent, io_deadline(120)) == IO_OK) {
		if (message.type == JOB_DONE) {
			message_get_u8(&message, &more);
			message_get_u64(&message, &device);
			is_done = message_end(&message);
			printf("done %u\n", (unsigned int)more);
		} else if (verdict_decode(&message, &verdict)) {
			printf("%s %u %c %s %s %s\n", file,
			    (unsigned int)verdict.index, verdict.status,
			    verdict.code, verdict.remote, verdict.text);
			if (verdict.flags != 0)
				printf("flags %u %u\n",
				    (unsigned int)verdict.index,
				    (unsigned int)verdict.flags);
		} else {
			break;
		}
	}
	message_free(&message);
	fflush(stdout);
	return is_done;
}

static void
set_login(struct driver *driver, const char *text)
{
	slice_cut(
	    slice_of(text), ':', &driver->job.login, &driver->job.password);
}

/* What MAIL and RCPT asked for; false: another option. */
static bool
read_mail_option(struct driver *driver, int option)
{
	struct mail_options *mail = &driver->job.options;

	switch (option) {
	case 'm':
		mail->flags = (uint32_t)strtoul(optarg, NULL, 0);
		return true;
	case 'e':
		mail->envelope_id = slice_of(optarg);
		return true;
	case 'y':
		mail->priority = (int32_t)strtol(optarg, NULL, 10);
		return true;
	case 'b':
		mail->deliver_by =
		    (uint64_t)(time(NULL) + strtol(optarg, NULL, 10));
		return true;
	case 'N':
		driver->rcpt.notify = (uint8_t)strtoul(optarg, NULL, 0);
		return true;
	case 'O':
		driver->rcpt.original = slice_of(optarg);
		return true;
	default:
		return false;
	}
}

static bool
read_route_option(struct driver *driver, int option)
{
	struct job *job = &driver->job;

	switch (option) {
	case '8':
		job->flags |= JOB_8BIT;
		return true;
	case 't':
		job->tls_level = (uint32_t)strtoul(optarg, NULL, 10);
		return true;
	case 'n':
		job->nexthop = slice_of(optarg);
		return true;
	case 'a':
		set_login(driver, optarg);
		return true;
	case 'd':
		job->domain = slice_of(optarg);
		return true;
	case 'f':
		job->sender = slice_of(optarg);
		return true;
	default:
		return false;
	}
}

static void
read_option(struct driver *driver, int option)
{
	switch (option) {
	case 's':
		driver->is_spawner = true;
		break;
	case 'w':
		driver->is_waiting = true;
		break;
	case 'p':
		driver->program = optarg;
		break;
	case 'c':
		driver->conf = optarg;
		break;
	default:
		if (!read_route_option(driver, option) &&
		    !read_mail_option(driver, option))
			exit(EXIT_FAILURE);
	}
}

static int
read_options(struct driver *driver, int argc, char *argv[])
{
	struct job *job = &driver->job;
	struct job_recipient *recipient;
	int option;

	while ((option = getopt(
		    argc, argv, "+sw8t:n:a:p:c:d:f:m:e:y:b:N:O:")) != -1)
		read_option(driver, option);
	for (; optind < argc && strcmp(argv[optind], ":") != 0; optind++) {
		recipient = &driver->recipients[job->recipient_count];
		recipient->index = 7 + (uint32_t)job->recipient_count++;
		recipient->address = slice_of(argv[optind]);
		recipient->options = driver->rcpt;
	}
	return optind + 1;
}

int
main(int argc, char *argv[])
{
	struct driver *driver = calloc(1, sizeof(*driver));
	int agent, program, first, status = 0, failures = 0;

	if (driver == NULL)
		die("memory");
	snprintf(driver->job.id, sizeof(driver->job.id), "0123456789ABC");
	driver->job.recipients = driver->recipients;
	first = read_options(driver, argc, argv);

	program = start_program(driver);
	agent = driver->is_spawner ? ask_spawner(program) : program;
	for (int i = first; i < argc; i++) {
		send_job(driver, agent, argv[i]);
		failures += !print_answers(agent, argv[i]);
	}
	if (driver->is_waiting &&
	    io_wait_readable(agent, io_deadline(30)) == IO_OK)
		printf("ended\n");
	close(agent);
	if (driver->is_spawner)
		close(program);
	while (wait(&status) > 0)
		failures += status != 0;
	free(driver);
	return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
