/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/* Writes to 3 what it sees. */
static int
look_around(const struct settings *settings, int argc, char *const argv[])
{
	struct sigaction pipe_action, term_action;
	sigset_t blocked;
	char bytes[8] = "";
	int open_count = 0;

	(void)settings;
	for (int fd = 0; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			open_count++;
	sigaction(SIGPIPE, NULL, &pipe_action);
	sigaction(SIGTERM, NULL, &term_action);
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	if (read(0, bytes, sizeof(bytes)) != 2 || read(1, bytes + 2, 1) != 0)
		return 1;
	return dprintf(3, "%d %s %s %s %d%d%d", argc, argv[0], argv[1], bytes,
		   open_count, pipe_action.sa_handler == SIG_IGN,
		   term_action.sa_handler == SIG_DFL &&
		       sigismember(&blocked, SIGCHLD) == 0) < 0;
}

const struct program program_table[] = {
	{ "look", look_around },
	{ NULL, NULL },
};

static void
a_linked_program_sees_exactly_its_descriptors(void **state)
{
	struct program_start start = { .name = "look",
		.arguments = { "argument" },
		.descriptor_count = 4 };
	struct settings settings = { 0 };
	struct why why;
	char text[128] = "";
	int in[2], out[2], status;
	sigset_t set;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	assert_int_equal(write(in[1], "hi", 2), 2);
	close(in[1]);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGTERM, SIG_IGN);
	/* The pipes are crossed: places and sources overlap. */
	start.descriptors[0] = in[0];
	start.descriptors[1] = -1;
	start.descriptors[3] = out[1];
	pid = program_spawn(&settings, &start, &why);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(read(out[0], text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "2 look argument hi 411");
	signal(SIGTERM, SIG_DFL);
	close(in[0]);
	close(out[0]);
	close(out[1]);
}

static void
descriptors_may_change_places(void **state)
{
	int first[2], second[2], status;
	char text[3] = "";
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(first), 0);
	assert_int_equal(pipe(second), 0);
	pid = fork();
	if (pid == 0) {
		struct program_start swap = { .name = "swap",
			.descriptors = { 1, 0, -1 },
			.descriptor_count = 3 };

		dup2(first[1], 0);
		dup2(second[1], 1);
		_exit(!program_settle(&swap, NULL) || write(0, "s", 1) != 1 ||
		      write(1, "f", 1) != 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(first[0], text, 1), 1);
	assert_int_equal(read(second[0], text + 1, 1), 1);
	assert_string_equal(text, "fs");
}

/* A script stands for a program: it prints its arguments and environment. */
static void
an_unlinked_program_is_executed_from_its_directory(void **state)
{
	static const char script[] = "#!/bin/sh\necho \"$0 $*\" >&3; env >&3\n";
	char directory[] = "/tmp/merpati-program-XXXXXX";
	char conf[] = "/tmp/mail.conf", path[128], expected[256];
	struct settings settings = { .path = conf,
		.program_directory = directory };
	struct program_start start = { .name = "script",
		.arguments = { "-x", "y" },
		.descriptors = { -1, -1, -1 },
		.descriptor_count = 4 };
	char text[4096] = "";
	struct why why;
	int fd, out[2], status;
	ssize_t n;
	size_t len = 0;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/script", directory);
	fd = open(path, O_CREAT | O_WRONLY, 0755);
	assert_int_equal(
	    write(fd, script, sizeof(script) - 1), sizeof(script) - 1);
	close(fd);
	assert_int_equal(pipe(out), 0);
	setenv("LD_PRELOAD_FAKE", "1", 1);
	setenv("MERPATI_CONF", "kept", 1);
	start.descriptors[3] = out[1];
	assert_true(program_spawn(&settings, &start, &why) > 0);
	close(out[1]);
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	while ((n = read(out[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	snprintf(expected, sizeof(expected), "%s -c %s -x y\n", path, conf);
	assert_memory_equal(text, expected, strlen(expected));
	assert_non_null(strstr(text, "MERPATI_CONF=kept\n"));
	assert_null(strstr(text, "LD_PRELOAD_FAKE"));
	assert_null(strstr(text, "HOME="));
	unlink(path);
	rmdir(directory);
	close(out[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_linked_program_sees_exactly_its_descriptors),
		cmocka_unit_test(descriptors_may_change_places),
		cmocka_unit_test(
		    an_unlinked_program_is_executed_from_its_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
