/* SPDX-License-Identifier: ISC */
/*
 * relay_outside - what a relay needs and its jail forbids: a token of
 * relay_token_command, and a connection to one of lmtp_sockets.
 *
 * relay-spawn forks one helper before its own jail, when a setting wants it
 * (jail relay-outside), and gives each relay a socket to it as descriptor
 * RELAY_OUTSIDE. The helper serves one request after the other. Relays are
 * hostile: they can have tokens made for logins of their choice, which
 * the program must judge, and reach listed sockets; nothing else. Tokens
 * are kept in the helper, OUTSIDE_TOKENS of them, until a relay says that
 * one was refused. The program gets login and host as arguments and prints
 * one line, LIMIT_TOKEN bytes at most, within TIMEOUT_TOKEN seconds.
 */
#ifndef QUEUE_RELAY_OUTSIDE_H
#define QUEUE_RELAY_OUTSIDE_H

#include "common/buf.h"
#include "common/result.h"
#include "common/settings.h"

enum {
	RELAY_OUTSIDE = 3,
	OUTSIDE_CLIENTS = 512, /* relays at once; more get none */
	OUTSIDE_TOKENS = 16,
	OUTSIDE_HOST_SIZE = 256
};

enum outside_message {
	OUTSIDE_CLIENT = 1, /* of relay-spawn: a relay's end attached */
	OUTSIDE_TOKEN = 2,  /* u8 the one known was refused, slices login,
			     * host */
	OUTSIDE_SOCKET = 3, /* slice path */
	OUTSIDE_RESULT = 4, /* u8 ok, slice token or reason; a socket may be
			     * attached */
};

/* relay-spawn's: the helper, or -1 when no setting wants it (true) or it
 * cannot be started. */
bool relay_outside_start(
    const struct settings *settings, int *control, struct why *why);
/* A socket for one relay; -1: none. */
int relay_outside_client(int control);

/* The relay's: descriptor RELAY_OUTSIDE, or -1 when it is none. */
int relay_outside_find(void);
bool relay_outside_token(int helper, const struct slice login_and_host[2],
    bool is_refused, struct buf *token, struct why *why);
/* A connected, non-blocking socket or -1. */
int relay_outside_socket(int helper, const char *path, struct why *why);

/* relay_token_command in a process of its own. */
bool relay_token_run(const struct settings *settings, const char *login,
    const char *host, struct buf *token, struct why *why);

#endif
