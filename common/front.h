/* SPDX-License-Identifier: ISC */
/*
 * front - the root part of one connection of smtpd, pop3d or imapd.
 *
 * It takes the socket on descriptors 0 and 1, finds the peer, forks the
 * session into its jail and then reads only struct control from it: no
 * byte from the network. It starts enqueue, auth and tls with exactly their
 * descriptors, tells enqueue the facts, and, for POP3 and IMAP, becomes the
 * user and executes the mailbox program. It ends when its children have.
 *
 * The session is a forked child without exec: it inherits settings and the
 * connection and runs session() with these descriptors:
 */
#ifndef COMMON_FRONT_H
#define COMMON_FRONT_H

#include <stdbool.h>

#include "common/netaddr.h"
#include "common/settings.h"
#include "common/tls_status.h"

enum session_descriptor {
	SESSION_INPUT = 0,    /* network or TLS process */
	SESSION_OUTPUT = 1,
	SESSION_CONTROL = 3,  /* struct control both ways */
	SESSION_ENQUEUE = 4,  /* smtpd: struct message to enqueue (inject.h) */
	SESSION_AUTH = 5,     /* credentials to auth (auth.h) */
	SESSION_HANDOVER = 6, /* pop3d, imapd: bytes for the mailbox program */
	SESSION_DESCRIPTORS = 7,
};

enum listener_kind {
	LISTENER_SMTP,        /* 25 */
	LISTENER_SUBMISSION,  /* 587 */
	LISTENER_SUBMISSIONS, /* 465, TLS from the first byte */
	LISTENER_POP3,        /* 110 */
	LISTENER_POP3S,       /* 995 */
	LISTENER_IMAP,        /* 143 */
	LISTENER_IMAPS,       /* 993 */
};

struct listener {
	const char *name;     /* "smtp", ... as in settings.listen */
	enum listener_kind kind;
	const char *program;  /* "smtpd" */
	uint16_t port;
	bool is_tls;          /* implicit */
};

extern const struct listener listener_table[]; /* NULL name ends */
const struct listener *listener_find(struct slice name);

/* Why a connection is ended before its session; front_refuse says it in one
 * line of the protocol, or nothing where TLS comes first. */
enum refusal {
	REFUSAL_SETTINGS,     /* mail.conf is in error */
	REFUSAL_BUSY,         /* max_connections */
	REFUSAL_CLIENT,       /* rate_client */
	REFUSAL_FAILED,       /* the session could not be started */
};
void front_refuse(const struct listener *listener, int fd,
    enum refusal refusal);

/* Facts about one connection, established by the front. */
struct connection {
	const struct settings *settings;
	const struct listener *listener;
	struct netaddr peer;
	struct netaddr local;
	char id[16];             /* 13 letters: names this connection in logs */
	bool is_tls;
	struct tls_status tls;   /* when is_tls */
	bool may_auth_in_clear;  /* peer is in cleartext_auth */
};

/* Runs in the jail until the connection ends; returns the exit code. Asks
 * for STARTTLS or handover by sending the control message and returning. */
typedef int session_fn(const struct connection *connection);

struct front {
	const char *program;        /* "smtpd" */
	const char *jail;           /* "smtpd-session" */
	session_fn *session;
	bool has_enqueue;
	const char *mailbox;        /* "pop3d-mailbox", or NULL: no handover */
};

/* All of a daemon's main: options -c FILE, -s LISTENER; reads the settings,
 * opens the log, refuses with one line when they are in error. */
int front_main(const struct front *front, int argc, char *const argv[]);
/* argv: NAME [-s LISTENER]; default the listener of the socket's own port,
 * else the program's first. Returns the exit code. */
int front_run(const struct front *front, const struct settings *settings,
    int argc, char *const argv[]);

#endif
