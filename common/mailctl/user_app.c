/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailctl/user_app.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/app_passwords.h"
#include "common/auth.h"
#include "common/fsutil.h"
#include "common/io.h"
#include "common/mailctl/mailctl.h"
#include "common/mailctl/password.h"
#include "common/users.h"

#define APP_USAGE                                                              \
	"user app-password add USER LABEL [SERVICES] | list [USER] | "         \
	"del USER LABEL"

enum {
	FILE_MAX = 16 << 20,
	HASH_SIZE = 512,
	LOCK_SECONDS = 10,
};

struct app_edit {
	const struct settings *settings;
	int lock;
	struct buf text, changed;
	struct user user;
	struct slice label;
	unsigned int services;
	struct why why;
};

static bool
find_user(struct app_edit *edit, const char *name)
{
	switch (users_find_login(
	    edit->settings, slice_of(name), &edit->user, &edit->why)) {
	case RESULT_OK:
		return true;
	case RESULT_NEVER:
		return why_set(&edit->why, "%s has no mailbox here", name);
	case RESULT_LATER:
		break;
	}
	return false;
}

static bool
read_file(struct app_edit *edit)
{
	const char *path = edit->settings->app_passwords;

	return (access(path, F_OK) < 0 && errno == ENOENT) ||
	       fs_read_file(AT_FDCWD, path, &edit->text, &edit->why);
}

static bool
lock_file(struct app_edit *edit)
{
	char path[USER_PATH_SIZE];

	snprintf(path, sizeof(path), "%s.lock", edit->settings->app_passwords);
	edit->lock =
	    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (edit->lock < 0)
		return why_errno(&edit->why, "%s", path);
	return fs_lock(edit->lock, true, io_deadline(LOCK_SECONDS)) ||
	       why_set(&edit->why, "%s: another mailctl is at work", path);
}

static bool
is_mine(const struct app_edit *edit, const struct app_password *row)
{
	return slice_eq_nocase(row->user, slice_of(edit->user.name)) &&
	       (edit->label.len == 0 || slice_eq(row->label, edit->label));
}

static bool
add(struct app_edit *edit, const char *password)
{
	struct slice rest = buf_slice(&edit->text);
	struct app_password row;
	char hash[HASH_SIZE], services[32];

	while (app_password_next(&rest, &row, NULL))
		if (is_mine(edit, &row))
			return why_set(&edit->why, "%s has that label already",
			    edit->user.name);
	if (!user_password_hash(edit->settings, slice_of(edit->user.name),
		password, hash, sizeof(hash)))
		return why_set(&edit->why, "no hash can be made");
	buf_add(&edit->changed, buf_slice(&edit->text));
	buf_add_format(&edit->changed, "%s %.*s %s %s\n", edit->user.name,
	    SLICE_FMT(edit->label),
	    app_services_format(edit->services, services), hash);
	return !edit->changed.failed ||
	       why_set(&edit->why, "the file is too large");
}

/* The one with the label, or, without a label, all of the user. */
static bool
del(struct app_edit *edit)
{
	struct slice rest = buf_slice(&edit->text), line, parsed;
	struct app_password row;
	bool has_found = false;

	while (rest.len > 0) {
		slice_cut(rest, '\n', &line, &rest);
		parsed = line;
		if (app_password_next(&parsed, &row, NULL) &&
		    is_mine(edit, &row))
			has_found = true;
		else
			buf_add_format(
			    &edit->changed, "%.*s\n", SLICE_FMT(line));
	}
	return has_found ||
	       why_set(&edit->why, "%s has no such label", edit->user.name);
}

static bool
replace(struct app_edit *edit)
{
	return fs_replace(AT_FDCWD, edit->settings->app_passwords,
	    buf_slice(&edit->changed), 0600, &edit->why);
}

static int
run_change(struct mailctl *mailctl, struct app_edit *edit, bool is_add)
{
	char password[PASSWORD_SIZE] = "";
	bool ok = lock_file(edit) && read_file(edit) &&
		  (!is_add || password_make(password, &edit->why)) &&
		  (is_add ? add(edit, password) : del(edit)) &&
		  (mailctl->is_dry_run || replace(edit));

	if (ok && is_add)
		printf("%s\n", password);
	explicit_bzero(password, sizeof(password));
	return ok ? EX_OK : mailctl_fail(EXIT_NONE, &edit->why);
}

static int
run_list(struct app_edit *edit, bool has_user)
{
	struct app_password row;
	struct slice rest;
	char services[32];
	size_t bad = 0;

	if (!read_file(edit))
		return mailctl_fail(EX_NOINPUT, &edit->why);
	rest = buf_slice(&edit->text);
	while (app_password_next(&rest, &row, &bad))
		if (!has_user ||
		    slice_eq_nocase(row.user, slice_of(edit->user.name)))
			printf("%.*s\t%.*s\t%s\n", SLICE_FMT(row.user),
			    SLICE_FMT(row.label),
			    app_services_format(row.services, services));
	if (bad > 0)
		fprintf(stderr, "mailctl: %zu lines cannot be read\n", bad);
	return EX_OK;
}

static bool
take_operands(struct mailctl *mailctl, struct app_edit *edit)
{
	char **argv = mailctl->argv;

	if (mailctl->argc > 1 && !find_user(edit, argv[1]))
		return false;
	edit->label = slice_of(mailctl->argc > 2 ? argv[2] : "-");
	edit->services = AUTH_SERVICE_ALL;
	if (!app_label_is_good(edit->label))
		return why_set(&edit->why,
		    "a label has letters, digits, \"-\", \"_\" and \".\"");
	return mailctl->argc < 4 ||
	       app_services_parse(slice_of(argv[3]), &edit->services) ||
	       why_set(&edit->why, "services are smtp, imap, pop3 and all");
}

bool
user_app_forget(
    const struct settings *settings, struct slice name, struct why *why)
{
	struct app_edit edit = { .settings = settings, .lock = -1 };
	bool ok;

	if (access(settings->app_passwords, F_OK) < 0 && errno == ENOENT)
		return true;
	buf_init(&edit.text, FILE_MAX);
	buf_init(&edit.changed, FILE_MAX);
	ok = slice_to_array(name, edit.user.name, sizeof(edit.user.name)) &&
	     lock_file(&edit) && read_file(&edit) &&
	     (!del(&edit) || replace(&edit));
	if (!ok)
		*why = edit.why;
	if (edit.lock >= 0)
		close(edit.lock);
	buf_free(&edit.text);
	buf_free(&edit.changed);
	return ok;
}

/* add USER LABEL [SERVICES], del USER LABEL, list [USER]. */
static int
run(struct mailctl *mailctl, struct app_edit *edit)
{
	int argc = mailctl->argc;
	const char *verb = argc > 0 ? mailctl->argv[0] : "";
	bool is_add = strcmp(verb, "add") == 0 && (argc == 3 || argc == 4);
	bool is_del = strcmp(verb, "del") == 0 && argc == 3;
	bool is_list = strcmp(verb, "list") == 0 && argc <= 2;

	if (!is_add && !is_del && !is_list)
		return mailctl_usage(APP_USAGE);
	if (!take_operands(mailctl, edit))
		return mailctl_fail(EX_DATAERR, &edit->why);
	if (is_list)
		return run_list(edit, argc == 2);
	return run_change(mailctl, edit, is_add);
}

int
verb_user_app_password(struct mailctl *mailctl)
{
	static const struct option_row none[] = { { NULL, NULL, NULL } };
	struct app_edit edit = { .settings = mailctl->settings, .lock = -1 };
	int code;

	if (!options_take(mailctl, none, &edit.why))
		return mailctl_fail(EX_USAGE, &edit.why);
	buf_init(&edit.text, FILE_MAX);
	buf_init(&edit.changed, FILE_MAX);
	code = run(mailctl, &edit);
	if (edit.lock >= 0)
		close(edit.lock);
	buf_free(&edit.text);
	buf_free(&edit.changed);
	return code;
}
