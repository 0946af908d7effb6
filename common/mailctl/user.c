/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/auth.h"
#include "common/buf.h"
#include "common/fsutil.h"
#include "common/io.h"
#include "common/limits.h"
#include "common/mailctl/account.h"
#include "common/mailctl/mailctl.h"
#include "common/mailctl/password.h"
#include "common/mailctl/user_app.h"
#include "common/mailctl/users_file.h"

#define FILE_MAX_SIZE (64 * 1024 * 1024)
#define HASH_SIZE     512
#define LOCK_SECONDS  10

/* The users file, locked and read. */
struct edit {
	const struct mailctl *mailctl;
	int lock;
	struct buf text;
	struct buf changed;
};

static void
edit_close(struct edit *edit)
{
	if (edit->lock >= 0)
		close(edit->lock);
	buf_free(&edit->text);
	buf_free(&edit->changed);
}

/* The lock is a file of its own: the users file is replaced, and a lock on
 * a file that has been replaced holds nobody off. */
static int
edit_open(struct edit *edit, const struct mailctl *mailctl, struct why *why)
{
	const char *path = mailctl->settings->users;
	char lock[USER_PATH_SIZE];

	edit->mailctl = mailctl;
	buf_init(&edit->text, FILE_MAX_SIZE);
	buf_init(&edit->changed, FILE_MAX_SIZE);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	edit->lock =
	    open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (edit->lock < 0) {
		why_errno(why, "%s", lock);
		return errno == EACCES ? EX_NOPERM : EX_CANTCREAT;
	}
	if (!fs_lock(edit->lock, true, io_deadline(LOCK_SECONDS))) {
		why_set(why, "%s: another mailctl is at work", lock);
		return EX_TEMPFAIL;
	}
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return EX_OK;
	return fs_read_file(AT_FDCWD, path, &edit->text, why) ? EX_OK
							      : EX_NOINPUT;
}

static int
edit_commit(struct edit *edit, struct why *why)
{
	const char *path = edit->mailctl->settings->users;

	if (edit->mailctl->is_dry_run)
		return EX_OK;
	if (!account_replace_users(path, buf_slice(&edit->changed), why))
		return EX_CANTCREAT;
	return EX_OK;
}

/* "alice" is alice at the first domain. */
static bool
full_address(const struct mailctl *mailctl, const char *given,
    struct buf *address, struct why *why)
{
	const struct settings *settings = mailctl->settings;
	struct slice text = slice_of(given), domain;

	buf_init(address, 1024);
	for (size_t i = 0; i < text.len; i++)
		buf_add_char(address, ascii_lower(text.ptr[i]));
	if (slice_index(text, '@') == text.len)
		buf_add_format(address, "@%s",
		    settings->domains.count > 0 ? settings->domains.items[0]
						: settings->hostname);
	if (!user_address_check(buf_slice(address), why))
		return false;
	domain = slice_from(
	    buf_slice(address), slice_last_index(buf_slice(address), '@') + 1);
	return settings_is_local_domain(settings, domain) ||
	       why_set(why,
		   "%.*s is not in domains (mail.conf): no mail would arrive",
		   SLICE_FMT(domain));
}

static bool
make_hash(const struct mailctl *mailctl, struct slice address,
    const char *password, char hash[HASH_SIZE], struct why *why)
{
	return user_password_hash(
		   mailctl->settings, address, password, hash, HASH_SIZE) ||
	       why_set(why, "no hash can be made");
}

static void
warn_system_user(const struct mailctl *mailctl, struct slice address)
{
	char name[LIMIT_USER_NAME + 1];
	struct passwd *entry;

	slice_to_array(slice_first(address, slice_index(address, '@')), name,
	    sizeof(name));
	entry = getpwnam(name);
	if (mailctl->settings->system_users && entry != NULL &&
	    entry->pw_uid >= mailctl->settings->minimum_uid)
		printf("note: %s is an account of this system as well; mail"
		       " to %.*s now goes to the virtual user\n",
		    name, SLICE_FMT(address));
}

typedef bool change_fn(struct slice text, struct slice address,
    struct slice hash, struct buf *out, struct why *why);

/* Give address a password by change: add or passwd. */
static int
set_password(struct mailctl *mailctl, bool from_stdin, change_fn *change,
    const char *done)
{
	char password[PASSWORD_SIZE], hash[HASH_SIZE];
	struct edit edit = { .lock = -1 };
	struct buf address;
	struct why why = { 0 };
	bool is_made = false;
	int code = EX_OK;

	if (!full_address(mailctl, mailctl->argv[0], &address, &why) ||
	    !password_obtain(password, from_stdin, &is_made, &why) ||
	    !make_hash(mailctl, buf_slice(&address), password, hash, &why))
		code = EX_DATAERR;
	if (code == EX_OK)
		code = edit_open(&edit, mailctl, &why);
	if (code == EX_OK && !change(buf_slice(&edit.text), buf_slice(&address),
				 slice_of(hash), &edit.changed, &why))
		code = EXIT_NONE;
	if (code == EX_OK)
		code = edit_commit(&edit, &why);
	if (code == EX_OK) {
		printf("%s %s\n", buf_string(&address), done);
		if (is_made)
			printf("password: %s\n", password);
		warn_system_user(mailctl, buf_slice(&address));
	} else {
		mailctl_fail(code, &why);
	}
	explicit_bzero(password, sizeof(password));
	edit_close(&edit);
	buf_free(&address);
	return code;
}

/* One line of a batch: ADDRESS or ADDRESS:HASH. False ends the batch. */
static bool
add_line(struct edit *edit, struct slice line, struct why *why)
{
	char password[PASSWORD_SIZE] = "", hash[HASH_SIZE], given[1024];
	struct slice name, ready;
	struct buf address;
	bool ok;

	slice_cut(line, ':', &name, &ready);
	if (!slice_to_array(name, given, sizeof(given)))
		return why_set(why, "the line is too long");
	ok = full_address(edit->mailctl, given, &address, why) &&
	     (ready.len > 0 || (password_make(password, why) &&
				   make_hash(edit->mailctl, buf_slice(&address),
				       password, hash, why))) &&
	     users_text_add(buf_slice(&edit->text), buf_slice(&address),
		 ready.len > 0 ? ready : slice_of(hash), &edit->changed, why);
	if (ok) {
		printf("%s\t%s\n", buf_string(&address), password);
		buf_clear(&edit->text);
		buf_add(&edit->text, buf_slice(&edit->changed));
	}
	buf_clear(&edit->changed);
	explicit_bzero(password, sizeof(password));
	buf_free(&address);
	return ok;
}

/* All or nothing: the file is replaced once, at the end. */
static int
add_batch(struct mailctl *mailctl)
{
	struct edit edit = { .lock = -1 };
	struct why why = { 0 };
	struct slice line;
	char text[2048];
	int code = edit_open(&edit, mailctl, &why);

	while (code == EX_OK && fgets(text, sizeof(text), stdin) != NULL) {
		line = slice_trim(slice_of(text));
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if (!add_line(&edit, line, &why))
			code = EX_DATAERR;
	}
	if (code == EX_OK) {
		buf_add(&edit.changed, buf_slice(&edit.text));
		code = edit_commit(&edit, &why);
	}
	if (code != EX_OK)
		mailctl_fail(code, &why);
	if (code == EX_DATAERR)
		fprintf(stderr, "mailctl: nobody was added\n");
	edit_close(&edit);
	return code;
}

int
verb_user_add(struct mailctl *mailctl)
{
	bool from_stdin = false, is_batch = false;
	const struct option_row options[] = {
		{ "--password-stdin", &from_stdin, NULL },
		{ "--batch", &is_batch, NULL },
		{ NULL, NULL, NULL },
	};
	struct why why;

	if (!options_take(mailctl, options, &why))
		return mailctl_fail(EX_USAGE, &why);
	if (is_batch && mailctl->argc == 0)
		return add_batch(mailctl);
	if (mailctl->argc != 1)
		return mailctl_usage(
		    "user add [--password-stdin] ADDRESS | --batch");
	return set_password(mailctl, from_stdin, users_text_add, "added");
}

int
verb_user_passwd(struct mailctl *mailctl)
{
	bool from_stdin = false;
	const struct option_row options[] = {
		{ "--password-stdin", &from_stdin, NULL },
		{ NULL, NULL, NULL },
	};
	struct why why;

	if (!options_take(mailctl, options, &why))
		return mailctl_fail(EX_USAGE, &why);
	if (mailctl->argc != 1)
		return mailctl_usage("user passwd [--password-stdin] ADDRESS");
	return set_password(
	    mailctl, from_stdin, users_text_change, "has a new password");
}

static bool
is_confirmed(const struct mailctl *mailctl, const char *address)
{
	char answer[16];

	if (mailctl->is_yes || mailctl->is_dry_run || !isatty(STDIN_FILENO))
		return true;
	fprintf(stderr, "remove %s (the mail stays)? [y/N] ", address);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

/* The app passwords first: without a user they are good for nothing. */
static int
remove_user(struct edit *edit, struct slice address, struct why *why)
{
	if (!edit->mailctl->is_dry_run &&
	    !user_app_forget(edit->mailctl->settings, address, why))
		return EX_CANTCREAT;
	return edit_commit(edit, why);
}

int
verb_user_del(struct mailctl *mailctl)
{
	const struct option_row options[] = {
		{ "--yes", &mailctl->is_yes, NULL },
		{ "-y", &mailctl->is_yes, NULL },
		{ NULL, NULL, NULL },
	};
	struct edit edit = { .lock = -1 };
	struct buf address;
	struct why why = { 0 };
	int code;

	if (!options_take(mailctl, options, &why))
		return mailctl_fail(EX_USAGE, &why);
	if (mailctl->argc != 1)
		return mailctl_usage("user del [--yes] ADDRESS");
	if (!full_address(mailctl, mailctl->argv[0], &address, &why))
		code = EX_DATAERR;
	else
		code = edit_open(&edit, mailctl, &why);
	if (code == EX_OK &&
	    !users_text_change(buf_slice(&edit.text), buf_slice(&address),
		S(""), &edit.changed, &why))
		code = EXIT_NONE;
	if (code == EX_OK && !is_confirmed(mailctl, buf_string(&address))) {
		why_set(&why, "nothing was changed");
		code = EXIT_NONE;
	}
	if (code == EX_OK)
		code = remove_user(&edit, buf_slice(&address), &why);
	if (code == EX_OK)
		printf("%s removed; the mail stays where it was (below %s)\n",
		    buf_string(&address), mailctl->settings->virtual_home);
	else
		mailctl_fail(code, &why);
	edit_close(&edit);
	buf_free(&address);
	return code;
}
