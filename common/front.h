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
 * The session is a forked child without exec: it inherits the settings, is
 * sent the connection and runs session() with these descriptors:
 */
#ifndef COMMON_FRONT_H
#define COMMON_FRONT_H

#include <stdbool.h>

#include "common/claim.h"
#include "common/netaddr.h"
#include "common/settings.h"
#include "common/tls_status.h"

enum session_descriptor {
	SESSION_INPUT = 0,    /* network or TLS process */
	SESSION_OUTPUT = 1,
	SESSION_CONTROL = 3,  /* struct control both ways */
	SESSION_ENQUEUE = 4,  /* smtpd: struct message to enqueue (inject.h) */
	SESSION_AUTH = 5,     /* socketpair: logins, to auth (auth.h) */
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
	LISTENER_LMTP,        /* 24, only where listen names it */
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
/* Is a login taken there at all? */
bool listener_has_login(const struct listener *listener);

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
	/* smtpd alone: the address found here is in xclient_hosts or
	 * xforward_hosts, and what was claimed so far (claim.h) */
	bool may_xclient, may_xforward;
	bool has_enqueue;        /* from the start: it is not asked for */
	bool is_claimed;         /* peer is what XCLIENT said: greet again */
	bool is_claimed_in_tls;
	struct claim claim, forward;
	char login[LIMIT_USER_NAME + 1]; /* by XCLIENT; "" nobody */
	unsigned int mechanisms; /* bits of auth.h that may be offered */
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

/*
 * A front that merpatid keeps (option -p) serves one connection after the
 * other: it takes struct front_offer with the socket attached from
 * FRONT_POOL, and writes its pid to FRONT_NOTICE when nothing of the
 * connection is left. It ends when FRONT_POOL closes, when it became a
 * mailbox program, and after whatever was not in order.
 */
enum front_descriptor {
	FRONT_POOL = 3,   /* socket pair of SOCK_SEQPACKET, passing.h */
	FRONT_NOTICE = 4, /* pipe shared by all fronts */
};
struct front_offer {
	uint32_t listener;    /* row of listener_table */
};

/* All of a daemon's main: options -c FILE, -s LISTENER; reads the settings,
 * opens the log, refuses with one line when they are in error. */
int front_main(const struct front *front, int argc, char *const argv[]);
/* argv: NAME [-p] [-s LISTENER]; default the listener of the socket's own
 * port, else the program's first. Returns the exit code. */
int front_run(const struct front *front, const struct settings *settings,
    int argc, char *const argv[]);

#endif
