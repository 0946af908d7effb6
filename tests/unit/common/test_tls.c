/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/io.h"
#include "common/tls_certificate.h"
#include "common/tls_context.h"
#include "common/tls_pump.h"

#include "tests/unit/unit.h"

#define BULK (3 * 1024 * 1024 + 17)

static char state_directory[] = "/tmp/merpati-tls-XXXXXX";
static char hostname[] = "mail.example.com";
static char nothing[] = "";

static struct settings
make_settings(void)
{
	struct settings settings = { .hostname = hostname,
		.tls_ca_file = nothing,
		.smtp_tls_cert_file = nothing,
		.tls_client_ca_file = nothing,
		.state_directory = state_directory,
		.tls_cert_file = nothing,
		.tls_key_file = nothing };

	return settings;
}

static void
the_own_certificate_is_made_once(void **state)
{
	struct settings settings = make_settings();
	struct tls_certificate_paths paths;
	struct stat first, second, key;
	struct why why;

	(void)state;
	assert_true(tls_certificate_find(&settings, &paths, &why));
	assert_int_equal(stat(paths.certificate, &first), 0);
	assert_int_equal(stat(paths.key, &key), 0);
	assert_int_equal(key.st_mode & 07777, 0600);
	assert_true(tls_certificate_find(&settings, &paths, &why));
	assert_int_equal(stat(paths.certificate, &second), 0);
	assert_int_equal(first.st_ino, second.st_ino);
	/* Half a pair is made anew. */
	assert_int_equal(unlink(paths.key), 0);
	assert_true(tls_certificate_find(&settings, &paths, &why));
	assert_int_equal(stat(paths.certificate, &second), 0);
	assert_int_not_equal(first.st_ino, second.st_ino);
}

static void
a_hostname_cannot_leave_the_directory(void **state)
{
	char bad[] = "../../etc/passwd";
	struct settings settings = make_settings();
	struct tls_certificate_paths paths;
	struct why why;

	(void)state;
	settings.hostname = bad;
	assert_false(tls_certificate_find(&settings, &paths, &why));
}

/* One end of TLS: handshake, then the pump. */
_Noreturn static void
run_end(bool is_server, int network, int plaintext)
{
	struct settings settings = make_settings();
	struct why why = { 0 };
	SSL_CTX *context = is_server ? tls_context_server(&settings, &why)
				     : tls_context_client(&settings, &why);
	SSL *ssl = context == NULL ? NULL : SSL_new(context);

	SSL_CTX_free(context);
	if (ssl == NULL || SSL_set_fd(ssl, network) != 1)
		_exit(2);
	if (is_server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	if (!tls_handshake(ssl, network, io_deadline(30), &why)) {
		fprintf(stderr, "handshake: %s\n", why.text);
		_exit(3);
	}
	tls_pump_run(ssl, network, plaintext);
	SSL_free(ssl);
	_exit(0);
}

static char
pattern(size_t i)
{
	return (char)(i * 7 + i / 251);
}

_Noreturn static void
run_echo(int fd)
{
	char bytes[5000];
	size_t n;

	while (io_read_some(fd, bytes, sizeof(bytes), &n, io_deadline(60)) ==
	       IO_OK)
		if (io_write_all(fd, slice_make(bytes, n), io_deadline(60)) !=
		    IO_OK)
			_exit(4);
	_exit(0);
}

_Noreturn static void
run_writer(int fd)
{
	char *bytes = alloc_zero(BULK, 1);

	for (size_t i = 0; i < BULK; i++)
		bytes[i] = pattern(i);
	if (io_write_all(fd, slice_make(bytes, BULK), io_deadline(60)) != IO_OK)
		_exit(5);
	shutdown(fd, SHUT_WR);
	alloc_release(bytes);
	_exit(0);
}

struct pairs {
	int network[2], server[2], client[2];
};

static void
close_others(const struct pairs *p, int keep, int keep_too)
{
	const int all[] = { p->network[0], p->network[1], p->server[0],
		p->server[1], p->client[0], p->client[1] };

	for (size_t i = 0; i < 6; i++)
		if (all[i] != keep && all[i] != keep_too)
			close(all[i]);
}

static void
start_ends(const struct pairs *p)
{
	if (fork() == 0) {
		close_others(p, p->network[0], p->server[0]);
		run_end(true, p->network[0], p->server[0]);
	}
	if (fork() == 0) {
		close_others(p, p->network[1], p->client[0]);
		run_end(false, p->network[1], p->client[0]);
	}
	if (fork() == 0) {
		close_others(p, p->server[1], -1);
		run_echo(p->server[1]);
	}
}

static void
wait_for_all(int count)
{
	int status;

	for (int i = 0; i < count; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
}

/* Out through two pumps, back from an echo, both ways at once; the end of
 * what we send is passed on, and what is still on its way back arrives. */
static void
bulk_and_ends_pass_both_ways(void **state)
{
	struct pairs p;
	char bytes[8192];
	size_t done = 0, n;

	(void)state;
	socketpair(AF_UNIX, SOCK_STREAM, 0, p.network);
	socketpair(AF_UNIX, SOCK_STREAM, 0, p.server);
	socketpair(AF_UNIX, SOCK_STREAM, 0, p.client);
	start_ends(&p);
	if (fork() == 0) {
		close_others(&p, p.client[1], -1);
		run_writer(p.client[1]);
	}
	close_others(&p, p.client[1], -1);
	while (io_read_some(p.client[1], bytes, sizeof(bytes), &n,
		   io_deadline(60)) == IO_OK) {
		for (size_t i = 0; i < n; i++)
			if (bytes[i] != pattern(done + i))
				fail_msg("byte %zu differs", done + i);
		done += n;
	}
	assert_int_equal(done, BULK);
	close(p.client[1]);
	wait_for_all(4);
}

/* A session that goes away ends both pumps. */
static void
an_end_of_the_session_reaches_the_client(void **state)
{
	struct pairs p;
	char bytes[16];
	size_t n;

	(void)state;
	socketpair(AF_UNIX, SOCK_STREAM, 0, p.network);
	socketpair(AF_UNIX, SOCK_STREAM, 0, p.server);
	socketpair(AF_UNIX, SOCK_STREAM, 0, p.client);
	if (fork() == 0) {
		close_others(&p, p.network[0], p.server[0]);
		run_end(true, p.network[0], p.server[0]);
	}
	if (fork() == 0) {
		close_others(&p, p.network[1], p.client[0]);
		run_end(false, p.network[1], p.client[0]);
	}
	close_others(&p, p.client[1], p.server[1]);
	assert_int_equal(
	    io_write_all(p.server[1], S("bye\r\n"), io_deadline(60)), IO_OK);
	close(p.server[1]);
	assert_int_equal(
	    io_read_all(p.client[1], bytes, 5, io_deadline(60)), IO_OK);
	assert_memory_equal(bytes, "bye\r\n", 5);
	assert_int_equal(io_read_some(p.client[1], bytes, sizeof(bytes), &n,
			     io_deadline(60)),
	    IO_EOF);
	close(p.client[1]);
	wait_for_all(2);
}

static void
plain_text_is_no_handshake(void **state)
{
	struct settings settings = make_settings();
	struct why why = { 0 };
	SSL_CTX *context = tls_context_server(&settings, &why);
	SSL *ssl = SSL_new(context);
	int ends[2];

	(void)state;
	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	SSL_set_fd(ssl, ends[0]);
	SSL_set_accept_state(ssl);
	assert_int_equal(write(ends[1], "EHLO there.example\r\n", 20), 20);
	assert_false(tls_handshake(ssl, ends[0], io_deadline(30), &why));
	assert_true(why.text[0] != '\0');
	SSL_free(ssl);
	SSL_CTX_free(context);
	close(ends[0]);
	close(ends[1]);
}

static void
a_silent_client_meets_the_deadline(void **state)
{
	struct settings settings = make_settings();
	struct why why = { 0 };
	SSL_CTX *context = tls_context_server(&settings, &why);
	SSL *ssl = SSL_new(context);
	int ends[2];

	(void)state;
	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	SSL_set_fd(ssl, ends[0]);
	SSL_set_accept_state(ssl);
	assert_false(tls_handshake(ssl, ends[0], io_now() + 20, &why));
	assert_string_equal(why.text, "timeout");
	SSL_free(ssl);
	SSL_CTX_free(context);
	close(ends[0]);
	close(ends[1]);
}

static int
remove_directory(void **state)
{
	char path[256];
	static const char *const names[] = { "tls/mail.example.com.crt",
		"tls/mail.example.com.key", "tls/lock" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(
		    path, sizeof(path), "%s/%s", state_directory, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/tls", state_directory);
	rmdir(path);
	return rmdir(state_directory);
}

int
main(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_own_certificate_is_made_once),
		cmocka_unit_test(a_hostname_cannot_leave_the_directory),
		cmocka_unit_test(bulk_and_ends_pass_both_ways),
		cmocka_unit_test(an_end_of_the_session_reaches_the_client),
		cmocka_unit_test(plain_text_is_no_handshake),
		cmocka_unit_test(a_silent_client_meets_the_deadline),
	};

	sigaction(SIGPIPE, &ignore, NULL);
	if (mkdtemp(state_directory) == NULL)
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, remove_directory);
}
