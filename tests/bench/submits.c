/* SPDX-License-Identifier: ISC */
/*
 * submits - count SMTP sessions, TLS handshakes and submissions per second.
 *
 * submits KIND ADDRESS PORT LOGIN MAILBOX PASSWORD PROCESSES COUNT
 * KIND is sessions (EHLO, QUIT), handshakes (STARTTLS, EHLO, QUIT), resumed
 * (the same with the ticket of the session before) or messages (STARTTLS,
 * AUTH PLAIN, one message of 4 KiB to MAILBOX). Each process does COUNT. Prints
 * "DONE SECONDS RESUMED". Any wrong answer ends it with exit code 1.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>

enum kind {
	KIND_SESSIONS,
	KIND_HANDSHAKES,
	KIND_RESUMED,
	KIND_MESSAGES
};

struct load {
	enum kind kind;
	struct sockaddr_in address;
	const char *user;
	char credential[512]; /* of AUTH PLAIN */
	SSL_CTX *context;
	SSL_SESSION *ticket;
	int resumed;
};

struct client {
	int fd;
	SSL *tls; /* NULL: in clear */
	char bytes[4096];
	size_t len;
};

static int
receive(struct client *c)
{
	char *room = c->bytes + c->len;
	int size = (int)(sizeof(c->bytes) - 1 - c->len);
	int n = c->tls != NULL ? SSL_read(c->tls, room, size)
			       : (int)read(c->fd, room, (size_t)size);

	if (n > 0)
		c->len += (size_t)n;
	c->bytes[c->len] = '\0';
	return n;
}

static bool
transmit(struct client *c, const char *text)
{
	size_t len = strlen(text);

	if (c->tls != NULL)
		return SSL_write(c->tls, text, (int)len) == (int)len;
	return write(c->fd, text, len) == (ssize_t)len;
}

/* A whole reply that begins with want. */
static bool
expect(struct client *c, const char *want)
{
	const char *line;

	c->len = 0;
	for (;;) {
		if (receive(c) <= 0)
			return false;
		line = c->bytes;
		while (strchr(line, '\n') != NULL) {
			if (strlen(line) > 3 && line[3] == ' ')
				return strncmp(line, want, 3) == 0;
			line = strchr(line, '\n') + 1;
		}
	}
}

static bool
say(struct client *c, const char *text, const char *want)
{
	return transmit(c, text) && expect(c, want);
}

static int
keep_ticket(SSL *tls, SSL_SESSION *session)
{
	struct load *load = SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls));

	SSL_SESSION_free(load->ticket);
	load->ticket = session;
	return 1;
}

static bool
start_tls(struct client *c, struct load *load)
{
	if (!say(c, "STARTTLS\r\n", "220"))
		return false;
	c->tls = SSL_new(load->context);
	if (c->tls == NULL || SSL_set_fd(c->tls, c->fd) != 1)
		return false;
	if (load->kind == KIND_RESUMED && load->ticket != NULL)
		SSL_set_session(c->tls, load->ticket);
	if (SSL_connect(c->tls) != 1)
		return false;
	load->resumed += SSL_session_reused(c->tls);
	return say(c, "EHLO bench.example\r\n", "250");
}

static bool
send_message(struct client *c, const struct load *load)
{
	char line[1024], body[4200];
	size_t n;

	snprintf(line, sizeof(line), "AUTH PLAIN %s\r\n", load->credential);
	if (!say(c, line, "235"))
		return false;
	snprintf(line, sizeof(line), "MAIL FROM:<%s>\r\n", load->user);
	if (!say(c, line, "250"))
		return false;
	snprintf(line, sizeof(line), "RCPT TO:<%s>\r\n", load->user);
	if (!say(c, line, "250") || !say(c, "DATA\r\n", "354"))
		return false;
	n = (size_t)snprintf(body, sizeof(body),
	    "From: %s\r\nSubject: bench\r\n\r\n", load->user);
	while (n < 4096)
		n += (size_t)snprintf(body + n, sizeof(body) - n,
		    "This is one line of the sixty-four, as they are\r\n");
	snprintf(body + n, sizeof(body) - n, ".\r\n");
	return say(c, body, "250");
}

static bool
talk(struct client *c, struct load *load)
{
	if (!expect(c, "220") || !say(c, "EHLO bench.example\r\n", "250"))
		return false;
	if (load->kind != KIND_SESSIONS && !start_tls(c, load))
		return false;
	if (load->kind == KIND_MESSAGES && !send_message(c, load))
		return false;
	return say(c, "QUIT\r\n", "221");
}

static bool
session(struct load *load)
{
	struct client c = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
	int on = 1;
	bool ok;

	(void)setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	ok = c.fd >= 0 &&
	     connect(c.fd, (const struct sockaddr *)&load->address,
		 sizeof(load->address)) == 0 &&
	     talk(&c, load);
	if (!ok)
		fprintf(stderr, "submits: after: %s\n", c.bytes);
	if (c.tls != NULL) {
		(void)SSL_shutdown(c.tls);
		SSL_free(c.tls);
	}
	close(c.fd);
	return ok;
}

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool
load_init(struct load *load, char *argv[])
{
	static const char *const kinds[] = { "sessions", "handshakes",
		"resumed", "messages" };
	char plain[256];
	int n;

	load->kind = KIND_SESSIONS;
	while (strcmp(kinds[load->kind], argv[1]) != 0)
		if (load->kind++ == KIND_MESSAGES)
			return false;
	load->address.sin_family = AF_INET;
	inet_pton(AF_INET, argv[2], &load->address.sin_addr);
	load->address.sin_port = htons((uint16_t)strtol(argv[3], NULL, 10));
	load->user = argv[5];
	n = snprintf(plain, sizeof(plain), "%c%s%c%s", 0, argv[4], 0, argv[6]);
	EVP_EncodeBlock(
	    (unsigned char *)load->credential, (const unsigned char *)plain, n);
	load->context = SSL_CTX_new(TLS_client_method());
	if (load->context == NULL)
		return false;
	SSL_CTX_set_app_data(load->context, load);
	SSL_CTX_set_session_cache_mode(
	    load->context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(load->context, keep_ticket);
	return true;
}

/* How many of them were resumed, to the parent; false: one failed. */
static bool
run_process(struct load *load, int count, int out)
{
	for (int n = 0; n < count; n++)
		if (!session(load))
			return false;
	return write(out, &load->resumed, sizeof(load->resumed)) ==
	       (ssize_t)sizeof(load->resumed);
}

int
main(int argc, char *argv[])
{
	struct load load = { .kind = KIND_SESSIONS };
	int processes, count, status, failed = 0, resumed = 0, one, ends[2];
	double start;

	if (argc != 9 || !load_init(&load, argv) || pipe(ends) < 0)
		return 64;
	processes = (int)strtol(argv[7], NULL, 10);
	count = (int)strtol(argv[8], NULL, 10);
	start = now();
	for (int i = 0; i < processes; i++)
		if (fork() == 0)
			_exit(run_process(&load, count, ends[1]) ? 0 : 1);
	while (wait(&status) > 0)
		failed |= status;
	close(ends[1]);
	while (read(ends[0], &one, sizeof(one)) == (ssize_t)sizeof(one))
		resumed += one;
	if (failed == 0)
		printf(
		    "%d %.3f %d\n", processes * count, now() - start, resumed);
	return failed != 0;
}
