/* SPDX-License-Identifier: ISC */
/* mailctl(8): the tool of who runs the host. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mailctl/mailctl.h"
#include "common/program.h"

/* mailctl starts programs only as files. */
const struct program program_table[] = { { NULL, NULL } };

/* clang-format off */
const struct verb verb_table[] = {
	{ "init", verb_init, false,
	    "[--lab] [--directory DIR] [--yes] [DOMAIN]",
	    "make a working host: accounts, mail.conf, directories" },
	{ "check", verb_check, false, "[--group NAME] [--quiet]",
	    "look for what is wrong, say how to mend it" },
	{ "user add", verb_user_add, true,
	    "[--password-stdin] ADDRESS | --batch",
	    "add a virtual user, or many from standard input" },
	{ "user del", verb_user_del, true, "[--yes] ADDRESS",
	    "remove a virtual user; the mail stays" },
	{ "user passwd", verb_user_passwd, true,
	    "[--password-stdin] ADDRESS", "change a virtual user's password" },
	{ "user app-password", verb_user_app_password, true,
	    "add USER LABEL [SERVICES] | list [USER] | del USER LABEL",
	    "passwords for single programs; the new one is printed" },
	{ "user list", verb_user_list, true, "",
	    "list who has a mailbox here" },
	{ "route", verb_route, true, "ADDRESS...",
	    "show step by step where mail to an address goes" },
	{ "trace", verb_trace, true, "ID | ADDRESS",
	    "tell the fate of a message, or of an address, from the journal" },
	{ "config check", verb_config_check, false, "",
	    "report all errors of mail.conf at once" },
	{ "config show", verb_config_show, false, "[-n | -d] [NAME...]",
	    "show settings; -n: those that differ, -d: defaults" },
	{ "config explain", verb_config_explain, false, "[--mdoc] [NAME...]",
	    "what a setting means and what others call it" },
	{ "config answers", verb_config_answers, false, "",
	    "print the rules for answers of other hosts, to begin with" },
	{ "config bounces", verb_config_bounces, false, "",
	    "print the texts of notices to senders, to begin with" },
	{ "permissions", verb_permissions, true, "[--check]",
	    "make accounts and directories, set owners and modes" },
	{ "startup", verb_startup, true,
	    "[--directory DIR] xinetd | inetd | systemd | print",
	    "write what starts the services" },
	{ "version", verb_version, false, "", "print the version" },
	{ "help", verb_help, false, "[VERB]", "print this" },
	{ NULL, NULL, false, NULL, NULL },
};
/* clang-format on */

int
verb_version(struct mailctl *mailctl)
{
	(void)mailctl;
	printf("mailctl (%s) %s\n", PACKAGE_NAME, PACKAGE_VERSION);
	return EX_OK;
}

int
verb_help(struct mailctl *mailctl)
{
	if (mailctl->argc == 0)
		printf("usage: mailctl [-ny] [-c FILE] VERB ...\n\n"
		       "  -c FILE  read FILE instead of mail.conf\n"
		       "  -n       say what would be done, do nothing\n"
		       "  -y       do not ask\n\n");
	verb_print_help(
	    verb_table, slice_of(mailctl->argc > 0 ? mailctl->argv[0] : ""));
	printf("\nVerbs may be shortened. The manual: man mailctl\n");
	return EX_OK;
}

/* The options in front of the verb. False: usage. */
static bool
take_leading_options(struct mailctl *mailctl, int argc, char *argv[])
{
	int option;

	/* "+": stop at the verb, whose options are its own. */
	while ((option = getopt(argc, argv, "+c:nyhV")) != -1) {
		switch (option) {
		case 'c':
			mailctl->conf = optarg;
			break;
		case 'n':
			mailctl->is_dry_run = true;
			break;
		case 'y':
			mailctl->is_yes = true;
			break;
		default:
			return false;
		}
	}
	mailctl->argc = argc - optind;
	mailctl->argv = argv + optind;
	return true;
}

static bool
wants(int argc, char *argv[], const char *word)
{
	return argc > 1 && strcmp(argv[1], word) == 0;
}

static int
run_verb(struct mailctl *mailctl, const struct verb *verb)
{
	int code;

	if (mailctl->conf != NULL)
		setenv("MERPATI_CONF", mailctl->conf, 1);
	mailctl->settings = settings_load(NULL, NULL, &mailctl->errors);
	if (verb->needs_settings && mailctl->errors.count > 0) {
		for (size_t i = 0; i < mailctl->errors.count; i++)
			fprintf(stderr, "%s\n", mailctl->errors.texts[i]);
		code = EX_CONFIG;
	} else {
		code = verb->run(mailctl);
	}
	settings_errors_free(&mailctl->errors);
	settings_free(&mailctl->settings);
	return code;
}

int
main(int argc, char *argv[])
{
	struct mailctl mailctl = { 0 };
	const struct verb *verb;
	struct why why = { 0 };
	int code;

	log_open("mailctl", "-", LOG_LEVEL_WARNING);
	if (wants(argc, argv, "--version") || wants(argc, argv, "-V"))
		return verb_version(&mailctl);
	if (argc < 2 || wants(argc, argv, "--help") ||
	    wants(argc, argv, "-h")) {
		verb_help(&mailctl);
		return argc < 2 ? EX_USAGE : EX_OK;
	}
	if (!take_leading_options(&mailctl, argc, argv))
		return EX_USAGE;
	verb = verb_find(verb_table, &mailctl.argc, &mailctl.argv, &why);
	if (verb == NULL)
		return mailctl_fail(EX_USAGE, &why);
	if (mailctl.argc > 0 && strcmp(mailctl.argv[0], "--help") == 0) {
		verb_print_help(verb_table, slice_of(verb->name));
		return EX_OK;
	}
	code = run_verb(&mailctl, verb);
	if (fflush(stdout) != 0)
		return EX_IOERR;
	return code;
}
