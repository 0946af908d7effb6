/* SPDX-License-Identifier: ISC */
/*
 * logins - count complete POP3 or IMAP sessions per second.
 *
 * logins imap|pop3 ADDRESS PORT USER PASSWORD PROCESSES COUNT
 * Each process logs in, selects the inbox (STAT), logs out, COUNT times.
 * Prints "SESSIONS SECONDS". Any wrong answer ends it with exit code 1.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum argument {
	NOTHING,
	USER,
	PASSWORD,
	BOTH
};

struct script {
	const char *send; /* verb; NULL: only wait */
	enum argument argument;
	const char *want; /* start of the line that ends the answer */
};

static const struct script imap_script[] = {
	{ NULL, NOTHING, "* OK" },
	{ "a LOGIN", BOTH, "a OK" },
	{ "b SELECT INBOX", NOTHING, "b OK" },
	{ "c LOGOUT", NOTHING, "c OK" },
	{ NULL, NOTHING, NULL },
};
static const struct script pop3_script[] = {
	{ NULL, NOTHING, "+OK" },
	{ "USER", USER, "+OK" },
	{ "PASS", PASSWORD, "+OK" },
	{ "STAT", NOTHING, "+OK" },
	{ "QUIT", NOTHING, "+OK" },
	{ NULL, NOTHING, NULL },
};

static bool
wait_line(FILE *stream, const char *want)
{
	char line[8192];

	while (fgets(line, sizeof(line), stream) != NULL) {
		if (strncmp(line, want, strlen(want)) == 0)
			return true;
		if (strncmp(line, "-ERR", 4) == 0 ||
		    strncmp(line + 1, " NO", 3) == 0)
			fprintf(stderr, "wanted %s: %s", want, line);
	}
	return false;
}

static bool
send_step(
    int fd, const struct script *step, const char *user, const char *password)
{
	bool has_user = step->argument == USER || step->argument == BOTH;
	bool has_password =
	    step->argument == PASSWORD || step->argument == BOTH;
	char line[1024];
	int n;

	n = snprintf(line, sizeof(line), "%s%s%s%s%s\r\n", step->send,
	    has_user ? " " : "", has_user ? user : "", has_password ? " " : "",
	    has_password ? password : "");
	return n > 0 && write(fd, line, (size_t)n) == n;
}

static bool
session(const struct script *step, const struct sockaddr_in *address,
    const char *user, const char *password)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	FILE *stream;
	bool ok;

	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return false;
	stream = fdopen(fd, "r");
	for (ok = stream != NULL; ok && step->want != NULL; step++) {
		if (step->send != NULL)
			ok = send_step(fd, step, user, password);
		ok = ok && wait_line(stream, step->want);
	}
	if (stream != NULL)
		fclose(stream);
	return ok;
}

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int
main(int argc, char *argv[])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	const struct script *script;
	int processes, count, status, failed = 0;
	double start;

	if (argc != 8)
		return 64;
	script = strcmp(argv[1], "imap") == 0 ? imap_script : pop3_script;
	inet_pton(AF_INET, argv[2], &address.sin_addr);
	address.sin_port = htons((uint16_t)strtol(argv[3], NULL, 10));
	processes = (int)strtol(argv[6], NULL, 10);
	count = (int)strtol(argv[7], NULL, 10);
	start = now();
	for (int i = 0; i < processes; i++) {
		if (fork() != 0)
			continue;
		for (int n = 0; n < count; n++)
			if (!session(script, &address, argv[4], argv[5]))
				_exit(1);
		_exit(0);
	}
	while (wait(&status) > 0)
		failed |= status;
	if (failed == 0)
		printf("%d %.3f\n", processes * count, now() - start);
	return failed != 0;
}
