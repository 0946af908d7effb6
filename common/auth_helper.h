/* SPDX-License-Identifier: ISC */
/*
 * auth_helper - the programs that auth can ask: PAM, checkpassword, OAuth.
 *
 * auth itself is jailed and starts nothing. Where a setting names a program,
 * a child of auth that stays root waits for one question of fixed form on a
 * socketpair, starts that program, and answers with its exit status. It
 * parses nothing, knows the programs from the settings alone, and ends with
 * its one answer or with auth.
 *
 * PAM is auth-pam, a checkpassword program of our own. A checkpassword
 * program gets name, password and a time on descriptor 3, each with a NUL,
 * is started with "true" as its argument, and ends with 0 (yes), 1 (no) or
 * anything else (later); it runs as root, as that interface wants it.
 * oauth_command runs as _mpauth, gets mechanism, user and token as three
 * lines on standard input, ends in the same way, and may write the user's
 * name as its first line of output. Neither sees the network; of the
 * environment it has PATH, PROTO and TCPREMOTEIP.
 */
#ifndef COMMON_AUTH_HELPER_H
#define COMMON_AUTH_HELPER_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/limits.h"
#include "common/netaddr.h"
#include "common/result.h"
#include "common/settings.h"
#include "common/slice.h"

enum auth_command { AUTH_COMMAND_PAM, AUTH_COMMAND_CHECK, AUTH_COMMAND_OAUTH };

struct auth_helper {
	int fd;   /* -1: no setting names a program */
	pid_t pid;
};

/* As root, before the jail. peer: for TCPREMOTEIP. */
bool auth_helper_start(const struct settings *settings,
    const struct netaddr *peer, struct auth_helper *helper, struct why *why);
void auth_helper_close(struct auth_helper *helper);

struct auth_question {
	enum auth_command command;
	struct slice mechanism, user, secret;
};
/* RESULT_OK yes. name: what the program wrote, or "". At most once. */
enum result auth_helper_ask(struct auth_helper *helper,
    const struct auth_question *question, char name[LIMIT_USER_NAME + 1],
    struct why *why);

#endif
