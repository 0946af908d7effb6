/* SPDX-License-Identifier: ISC */
/*
 * A milter that is at work for ever: each word of it starts its own time
 * anew, but not that of the question.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/program.h"

#include "smtpd/filter.h"

#include "tests/unit/unit.h"

/* Nothing is asked of it but the end of the message. */
#define OFFER   "\0\0\0\x0dO\0\0\0\6\0\0\1\xff\0\0\2\x7f"
#define AT_WORK "\0\0\0\1p"

/* None is started here. */
const struct program program_table[] = { { NULL, NULL } };

struct fixture {
	char folder[32], path[64], address[72], host[8];
	struct settings settings;
	struct filter_spec spec;
	struct filters filters;
	struct filter filter;
	struct verify verify;
	pid_t peer;
};

/* To the offer an offer, to all else: still at work. */
static void
be_at_work(int listener)
{
	int fd = accept(listener, NULL, NULL);
	char bytes[512];
	size_t got;

	if (io_read_some(fd, bytes, sizeof(bytes), &got, io_deadline(30)) !=
		IO_OK ||
	    io_write_all(fd, S(OFFER), io_deadline(30)) != IO_OK ||
	    io_read_some(fd, bytes, sizeof(bytes), &got, io_deadline(30)) !=
		IO_OK)
		_exit(1);
	while (io_write_all(fd, S(AT_WORK), io_deadline(30)) == IO_OK)
		continue;
	_exit(0);
}

static int
set_up(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(f->folder, sizeof(f->folder), "/tmp/test_milter.XXXXXX");
	if (listener < 0 || mkdtemp(f->folder) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/socket", f->folder);
	snprintf(f->address, sizeof(f->address), "unix:%s", f->path);
	snprintf(f->host, sizeof(f->host), "mx.test");
	snprintf(name.sun_path, sizeof(name.sun_path), "%s", f->path);
	if (bind(listener, (struct sockaddr *)&name, sizeof(name)) < 0 ||
	    listen(listener, 1) < 0)
		return -1;
	f->peer = fork();
	if (f->peer == 0)
		be_at_work(listener);
	close(listener);
	f->settings.hostname = f->host;
	f->spec = (struct filter_spec){ .kind = FILTER_MILTER,
		.connect = 300,
		.command = 300,
		.message = 300,
		.address = f->address };
	f->filters.settings = &f->settings;
	f->filters.verify = &f->verify;
	f->verify.settings = &f->settings;
	f->filter.spec = &f->spec;
	f->filter.filters = &f->filters;
	*state = f;
	return f->peer > 0 ? 0 : -1;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	rmdir(f->folder);
	test_free(f);
	return 0;
}

static void
progress_without_end_ends_with_the_question(void **state)
{
	const struct filter_functions *milter = &filter_milter_functions;
	struct fixture *f = *state;
	struct verify_reply reply = { .action = VERIFY_PASS };
	struct why why = { 0 };
	int status = -1;

	assert_true(milter->open(&f->filter, &why));
	f->filters.deadline = io_deadline(60);
	assert_true(milter->ask(&f->filter, FILTER_AT_MAIL, &reply, &why));
	f->filters.deadline = io_now() + 300;
	assert_false(milter->ask(&f->filter, FILTER_AT_END, &reply, &why));
	assert_non_null(strstr(why.text, "end of message: no answer"));
	assert_true(io_now() >= f->filters.deadline);
	assert_int_equal(reply.action, VERIFY_PASS);
	milter->abort(&f->filter);
	milter->close(&f->filter);
	assert_int_equal(waitpid(f->peer, &status, 0), f->peer);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    progress_without_end_ends_with_the_question, set_up,
		    tear_down),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
