/* SPDX-License-Identifier: ISC */
/*
 * What code of somebody else could reach in verify's place: it enters the
 * jail as verify does, and tries. Everything around it is left open to all,
 * so that the jail alone keeps it out; on a real host the owners do as well.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fsutil.h"
#include "common/jail.h"

#include "tests/unit/unit.h"

static const char *const files[] = { "spool/queue/00/ID", "tls/key.pem",
	"users", "app-passwords", "mail/alice/new/1", "mail.conf" };

static char folder[] = "/tmp/merpati-owned-XXXXXX";

static const char *
place(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static bool
can_open(const char *name, int flags)
{
	int fd = open(place(name), flags | O_CLOEXEC, 0666);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool
reads_a_file(void)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (can_open(files[i], O_RDONLY))
			return true;
	return can_open("../../etc/passwd", O_RDONLY);
}

static bool
writes_a_file(void)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (can_open(files[i], O_WRONLY | O_APPEND))
			return true;
	return false;
}

static bool
queues_a_message(void)
{
	return can_open("spool/queue/00/NEW", O_CREAT | O_RDWR) ||
	       can_open("spool/drop/NEW", O_CREAT | O_RDWR);
}

static bool
follows_a_link(void)
{
	return can_open("verify/link", O_RDONLY);
}

static bool
lists_the_queue(void)
{
	return can_open("spool/queue/00", O_RDONLY | O_DIRECTORY);
}

static bool
forks(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool
executes(void)
{
	char name[] = "false";
	char *arguments[] = { name, NULL };

	execve("/bin/false", arguments, NULL);
	return false;
}

static const struct attempt {
	const char *what;
	bool (*run)(void);
} attempts[] = {
	{ "reads a file", reads_a_file },
	{ "writes a file", writes_a_file },
	{ "queues a message", queues_a_message },
	{ "follows a link out", follows_a_link },
	{ "lists the queue", lists_the_queue },
	{ "forks", forks },
	{ "executes", executes },
};

/* What it is for still works. */
static bool
remembers_and_asks(void)
{
	return can_open("verify/rates", O_CREAT | O_RDWR) &&
	       socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0;
}

_Noreturn static void
owned(bool (*run)(void))
{
	struct jail jail = *jail_find("verify");
	const char *const paths[] = { place("verify"), NULL };
	const struct jail_request request = { .keep_count = 3, .paths = paths };
	struct settings settings = { 0 };
	struct why why = { 0 };

	if (geteuid() == 0)
		jail.account = "nobody";
	if (!jail_enter(&jail, &settings, &request, &why)) {
		fprintf(stderr, "%s\n", why.text);
		_exit(99);
	}
	_exit(run() ? 1 : 0);
}

/* The exit code; 0 also for one that the filter killed. */
static int
run_owned(bool (*run)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		owned(run);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static int
set_up(void **state)
{
	static const char *const folders[] = { "verify", "spool", "spool/queue",
		"spool/queue/00", "spool/drop", "tls", "mail", "mail/alice",
		"mail/alice/new" };

	(void)state;
	umask(0);
	if (mkdtemp(folder) == NULL || chmod(folder, 0777) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (mkdir(place(folders[i]), 0777) < 0)
			return -1;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (!can_open(files[i], O_CREAT | O_RDWR))
			return -1;
	return symlink("../tls/key.pem", place("verify/link"));
}

static int
tear_down(void **state)
{
	(void)state;
	return remove_folder(folder);
}

static void
an_owned_verify_reaches_its_own_state_alone(void **state)
{
	(void)state;
	/* landlock_create_ruleset(2), asked for its version. */
	if (syscall(444, NULL, 0, 1) < 1)
		skip();
	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++)
		if (run_owned(attempts[i].run) != 0)
			fail_msg("an owned verify %s", attempts[i].what);
	assert_int_equal(run_owned(remembers_and_asks), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_owned_verify_reaches_its_own_state_alone),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
