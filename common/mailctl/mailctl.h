/* SPDX-License-Identifier: ISC */
/*
 * mailctl - what the verbs of mailctl(8) share.
 *
 * main reads the options in front of the verb and the settings, finds the
 * verb in verb_table and calls its function with what is left of argv. A
 * verb returns the exit code: 0 done, 1 nothing matched or a check failed,
 * else as in sysexits.h (64 usage, 75 busy, 77 permission, 78 settings).
 * Verbs and their second words may be shortened to a unique prefix. Results
 * go to stdout, complaints to stderr. No verb starts a shell.
 */
#ifndef COMMON_MAILCTL_MAILCTL_H
#define COMMON_MAILCTL_MAILCTL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/result.h"
#include "common/settings.h"
#include "common/slice.h"

/* Nothing matched, or a check failed. */
#define EXIT_NONE 1

struct mailctl {
	const char *conf;    /* -c FILE, or NULL: settings_load decides */
	bool is_dry_run;     /* -n: say what would be done */
	bool is_yes;         /* -y: do not ask */
	struct settings *settings;
	struct settings_errors errors;
	int argc;            /* what stands after the verb */
	char **argv;
};

typedef int verb_fn(struct mailctl *mailctl);

struct verb {
	const char *name;    /* "user add": one or two words */
	verb_fn *run;
	bool needs_settings; /* ends with 78 when mail.conf has errors */
	const char *usage;   /* what follows the name */
	const char *help;    /* one sentence, no period */
};

extern const struct verb verb_table[]; /* NULL name ends */

/* Take the verb from *argv; NULL with why: unknown, or not unique. */
const struct verb *verb_find(
    const struct verb *table, int *argc, char ***argv, struct why *why);
/* One line per verb, or those of one word only (empty: all). */
void verb_print_help(const struct verb *table, struct slice word);

/* An option of a verb: a flag, or one with a value. */
struct option_row {
	const char *name;    /* "--lab"; NULL ends */
	bool *flag;
	const char **value;
};
/* Take the options out of argv, wherever they stand before "--"; what is
 * left are the operands. False: usage, why says it. */
bool options_take(
    struct mailctl *mailctl, const struct option_row *rows, struct why *why);
/* Print why to stderr; returns code. */
int mailctl_fail(int code, const struct why *why);
int mailctl_usage(const char *text);
/* The -c argument to give to other programs: NULL when it is the default
 * file. */
const char *mailctl_conf_argument(const struct mailctl *mailctl);

verb_fn verb_init, verb_check, verb_permissions, verb_startup;
verb_fn verb_user_add, verb_user_del, verb_user_passwd, verb_user_list;
verb_fn verb_user_app_password;
verb_fn verb_config_check, verb_config_show, verb_config_explain;
verb_fn verb_config_answers, verb_config_bounces;
verb_fn verb_route, verb_trace, verb_version, verb_help;

#endif
