/* SPDX-License-Identifier: ISC */
/*
 * auth_check - who is that, and is this the password? (auth's core)
 *
 * The files are opened as root and read in the jail: users, app-passwords and
 * client-certs, and passwd(5) and shadow(5), the last two only with
 * system_users. A name is looked for as users_find_login does. A password is
 * right when it is one of the app passwords of the service, or the user's
 * own: that of the users file or shadow(5), or what PAM or a checkpassword
 * program (auth_helper.h) says where they are set.
 *
 * Every question costs one hash: an unknown user's password is hashed as
 * that of the first user, or as a new one would be. The salt that SCRAM gives
 * for an unknown user is always the same one, and made from the host's key.
 */
#ifndef COMMON_AUTH_CHECK_H
#define COMMON_AUTH_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "common/auth.h"
#include "common/auth_helper.h"
#include "common/buf.h"
#include "common/result.h"
#include "common/scram.h"
#include "common/settings.h"

#define AUTH_HASH_SIZE 512

struct auth_files {
	const struct settings *settings;
	int users, apps, certs;  /* -1: there is none */
	struct buf users_text, apps_text, certs_text; /* once loaded */
	FILE *passwd;            /* NULL: no system users */
	FILE *shadow;            /* NULL: not readable */
	uid_t owner_uid;         /* of virtual mail homes */
	gid_t owner_gid;
	struct auth_helper helper;
};

bool auth_files_open(const struct settings *settings,
    struct auth_files *files, struct why *why);
/* In the jail. */
bool auth_files_load(struct auth_files *files, struct why *why);
void auth_files_close(struct auth_files *files);

struct auth_account {
	struct user user;
	char hash[AUTH_HASH_SIZE]; /* "": none is known */
	size_t app_count;          /* those of the service */
	struct app_password apps[LIMIT_APP_PASSWORDS];
};

/* service: bits. RESULT_NEVER: there is nobody of that name. */
enum result auth_find(struct auth_files *files, struct slice login,
    unsigned int service, struct auth_account *out, struct why *why);
/* The user to whom a client certificate belongs: by fingerprint, else by the
 * address in it. */
enum result auth_find_certificate(struct auth_files *files,
    const struct tls_status *tls, struct auth_account *out, struct why *why);

struct auth_credential {
	struct slice login;
	char password[LIMIT_PASSWORD + 1];
	unsigned int service;
};
/* out->user is set when the answer is yes, and label tells the app password;
 * why says the cause of no and later, for the log alone. */
struct auth_checked {
	struct user user;
	char label[LIMIT_APP_LABEL + 1];
};
enum auth_answer auth_check(struct auth_files *files,
    const struct auth_credential *credential, struct auth_checked *out,
    struct why *why);

/* The keys of a user's passwords that have one salt. */
struct auth_keys {
	struct scram_salt salt;
	size_t count;
	struct {
		struct scram_keys keys;
		struct slice label; /* "": the user's own */
	} rows[LIMIT_APP_PASSWORDS + 1];
};
void auth_keys_of(const struct auth_account *account, struct auth_keys *out);
/* No keys, and a salt as that user would have. */
void auth_keys_pretend(const struct auth_files *files, struct slice login,
    struct slice host_key, struct auth_keys *out);

#endif
