/* SPDX-License-Identifier: ISC */
/*
 * auth_dialogue - one login, from the session's first message to the answer
 * (the auth program's course, in the jail).
 *
 * auth_dialogue_run reads AUTH_CREDENTIAL, is the SASL server for whatever
 * mechanism was begun, counts, writes the log line and fills the verdict.
 * Every login has one line:
 *   login: service=S user=<U> peer=A mechanism=M id=I [app=LABEL]
 *   failed: service=S user=<U> peer=A mechanism=M counted=yes|no id=I reason=R
 *   deferred: service=S user=<U> peer=A mechanism=M id=I reason=R
 * The form of "failed" is a promise to programs that read the log.
 */
#ifndef COMMON_AUTH_DIALOGUE_H
#define COMMON_AUTH_DIALOGUE_H

#include "common/auth.h"
#include "common/auth_check.h"
#include "common/auth_failures.h"

struct auth_dialogue {
	struct auth_files *files;
	struct auth_failures *failures;
	const struct auth_facts *facts;
	int64_t deadline;
	/* of the login */
	struct message *message;  /* the session's last one */
	const char *mechanism;
	char login[LIMIT_USER_NAME + 1];
	struct buf secret;        /* what was wrong, where it is known */
	struct auth_checked who;
	struct why why;
	bool is_malformed, is_over;
	bool is_given_up;         /* by the client: it does not count */
};

void auth_dialogue_run(struct auth_files *files,
    struct auth_failures *failures, const struct auth_facts *facts,
    struct auth_verdict *verdict);

/* For the mechanisms: auth_scram.c and auth_token.c. */
typedef enum auth_answer auth_mechanism_fn(struct auth_dialogue *dialogue,
    struct slice response);
auth_mechanism_fn auth_scram, auth_scram_plus, auth_external, auth_bearer,
    auth_xoauth2;
/* The login is known now; false when nothing of it may be checked. */
bool auth_dialogue_admit(struct auth_dialogue *dialogue, struct slice login);
/* Send a challenge and wait for the response, valid until the next. False:
 * the client gave up or is gone. */
bool auth_dialogue_ask(struct auth_dialogue *dialogue, struct slice challenge,
    struct slice *response);
/* NO, with what is wrong. */
enum auth_answer auth_dialogue_fail(struct auth_dialogue *dialogue,
    const char *reason);
/* The same, and the session shall say that the response was malformed. */
enum auth_answer auth_dialogue_malformed(struct auth_dialogue *dialogue,
    const char *reason);

#endif
