/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/users.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/account.h"
#include "common/alloc.h"
#include "common/buf.h"
#include "common/fsutil.h"
#include "common/table_text.h"

enum {
	USERS_MAX = 64 << 20,
	PASSWD_SIZE = 16384
};

/* Accounts with these shells take no mail. */
static const char *const closed_shells[] = { "nologin", "false" };

static bool
is_closed_shell(const char *shell)
{
	struct slice name = slice_of(shell);
	size_t slash = slice_last_index(name, '/');

	if (slash < name.len)
		name = slice_from(name, slash + 1);
	for (size_t i = 0; i < sizeof(closed_shells) / sizeof(closed_shells[0]);
	     i++)
		if (slice_eq(name, slice_of(closed_shells[i])))
			return true;
	return false;
}

/* home_mailbox: below the home, or a directory of mbox files when it is
 * absolute (for accounts of the system alone). */
static bool
set_mail(const struct settings *settings, struct user *user)
{
	const char *mailbox = settings->home_mailbox;
	int n;

	if (mailbox[0] == '/' && !user->is_virtual)
		n = snprintf(user->mail, sizeof(user->mail), "%s%s%s", mailbox,
		    slice_ends(slice_of(mailbox), S("/")) ? "" : "/",
		    user->name);
	else
		n = snprintf(user->mail, sizeof(user->mail), "%s/%s",
		    user->home, mailbox[0] == '/' ? "Maildir/" : mailbox);
	return n > 0 && (size_t)n < sizeof(user->mail);
}

static enum result
look_up_passwd(
    const char *name, struct passwd *entry, char *bytes, struct why *why)
{
	struct passwd *found = NULL;
	int error = getpwnam_r(name, entry, bytes, PASSWD_SIZE, &found);

	if (found != NULL)
		return RESULT_OK;
	/* These mean "not found" too: getpwnam_r(3). */
	if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF ||
	    error == EPERM)
		return RESULT_NEVER;
	errno = error;
	why_errno(why, "account %s", name);
	return RESULT_LATER;
}

enum result
users_fill_system(const struct settings *settings, const struct passwd *entry,
    struct user *out, struct why *why)
{
	memset(out, 0, sizeof(*out));
	out->uid = entry->pw_uid;
	out->gid = entry->pw_gid;
	if (entry->pw_uid < settings->minimum_uid || entry->pw_uid == 0 ||
	    is_closed_shell(entry->pw_shell))
		return RESULT_NEVER;
	if (!slice_to_array(
		slice_of(entry->pw_name), out->name, sizeof(out->name)) ||
	    !slice_to_array(
		slice_of(entry->pw_dir), out->home, sizeof(out->home)) ||
	    !set_mail(settings, out) || !user_is_acceptable(settings, out)) {
		why_set(why, "account %s: home directory is not usable",
		    entry->pw_name);
		return RESULT_NEVER;
	}
	return RESULT_OK;
}

/* An account of the system: as written, else in lower case. */
static enum result
find_system(const struct settings *settings, struct slice name,
    struct user *out, struct why *why)
{
	char array[LIMIT_USER_NAME + 1], *bytes;
	struct passwd entry;
	enum result result;

	if (!settings->system_users || name.len == 0 ||
	    !slice_to_array(name, array, sizeof(array)))
		return RESULT_NEVER;
	bytes = alloc_zero(PASSWD_SIZE, 1);
	result = look_up_passwd(array, &entry, bytes, why);
	if (result == RESULT_NEVER) {
		for (char *c = array; *c != '\0'; c++)
			*c = ascii_lower(*c);
		result = look_up_passwd(array, &entry, bytes, why);
	}
	if (result == RESULT_OK)
		result = users_fill_system(settings, &entry, out, why);
	alloc_release(bytes);
	return result;
}

/* The account that owns virtual mail homes; an ordinary user owns his. */
static enum result
find_virtual_owner(
    const struct settings *settings, uid_t *uid, gid_t *gid, struct why *why)
{
	struct account account;

	*uid = geteuid();
	*gid = getegid();
	if (*uid != 0 && *uid >= settings->minimum_uid)
		return RESULT_OK;
	if (!account_find(settings, settings->virtual_user, &account)) {
		why_set(why, "account %s (virtual_user) does not exist",
		    settings->virtual_user);
		return RESULT_LATER;
	}
	*uid = account.uid;
	*gid = account.gid;
	return RESULT_OK;
}

static bool
parse_id(struct slice text, unsigned int *out)
{
	uint64_t value;

	if (!slice_u64(text, UINT32_MAX - 1, &value))
		return false;
	*out = (unsigned int)value;
	return true;
}

/* "uid=N gid=N home=PATH mail=PATH" after the hash. */
static bool
parse_options(struct slice rest, struct user *user)
{
	struct slice option, name, value;

	while (slice_token(&rest, S(" \t"), &option)) {
		slice_cut(option, '=', &name, &value);
		if (slice_eq(name, S("uid"))) {
			if (!parse_id(value, &user->uid))
				return false;
		} else if (slice_eq(name, S("gid"))) {
			if (!parse_id(value, &user->gid))
				return false;
		} else if (slice_eq(name, S("home"))) {
			if (!slice_to_array(
				value, user->home, sizeof(user->home)))
				return false;
		} else if (slice_eq(name, S("mail"))) {
			if (!slice_to_array(
				value, user->mail, sizeof(user->mail)))
				return false;
		} else
			return false;
	}
	return true;
}

/* DOMAIN/LOCAL below virtual_home. Neither may leave it. */
static bool
set_virtual_home(const struct settings *settings, struct user *user)
{
	struct slice local, domain;
	int n;

	slice_cut(slice_of(user->name), '@', &local, &domain);
	if (slice_index(slice_of(user->name), '/') < strlen(user->name) ||
	    local.len == 0 || domain.len == 0 || local.ptr[0] == '.' ||
	    domain.ptr[0] == '.')
		return false;
	n = snprintf(user->home, sizeof(user->home), "%s/%.*s/%.*s",
	    settings->virtual_home, SLICE_FMT(domain), SLICE_FMT(local));
	return n > 0 && (size_t)n < sizeof(user->home);
}

enum result
users_fill_virtual(const struct settings *settings,
    const struct table_text *row, struct user *out, struct why *why)
{
	struct slice hash, rest = row->value;
	uid_t uid = out->uid;
	gid_t gid = out->gid;

	memset(out, 0, sizeof(*out));
	out->is_virtual = true;
	out->uid = uid;
	out->gid = gid;
	(void)slice_token(&rest, S(" \t"), &hash);
	if (!slice_to_array(row->key, out->name, sizeof(out->name)) ||
	    !parse_options(rest, out) ||
	    (out->home[0] == '\0' && !set_virtual_home(settings, out)) ||
	    (out->mail[0] == '\0' && !set_mail(settings, out)) ||
	    !user_is_acceptable(settings, out)) {
		why_set(why,
		    "%s:%zu: not \"address hash [uid=N] [gid=N] "
		    "[home=PATH] [mail=PATH]\" with safe values",
		    settings->users, row->line);
		return RESULT_LATER;
	}
	return RESULT_OK;
}

static enum result
fill_from_row(const struct settings *settings, const struct table_text *row,
    struct user *out, struct why *why)
{
	enum result result =
	    find_virtual_owner(settings, &out->uid, &out->gid, why);

	if (result != RESULT_OK)
		return result;
	return users_fill_virtual(settings, row, out, why);
}

static enum result
find_virtual(const struct settings *settings, struct slice address,
    struct user *out, struct why *why)
{
	enum result result = RESULT_NEVER;
	struct table_text row;
	struct buf bytes;

	if (settings->users[0] == '\0' || access(settings->users, F_OK) < 0)
		return RESULT_NEVER;
	buf_init(&bytes, USERS_MAX);
	if (!fs_read_file(AT_FDCWD, settings->users, &bytes, why)) {
		buf_free(&bytes);
		return RESULT_LATER;
	}
	table_text_begin(&row, buf_slice(&bytes), TABLE_KEY_VALUE);
	while (result == RESULT_NEVER && table_text_next(&row))
		if (slice_eq_nocase(row.key, address))
			result = fill_from_row(settings, &row, out, why);
	table_text_end(&row);
	buf_free(&bytes);
	return result;
}

static enum result
find_virtual_at(const struct settings *settings, struct slice local,
    struct slice domain, struct user *out, struct why *why)
{
	char address[LIMIT_USER_NAME + 1];
	int n = snprintf(address, sizeof(address), "%.*s@%.*s",
	    SLICE_FMT(local), SLICE_FMT(domain));

	if (n < 0 || (size_t)n >= sizeof(address))
		return RESULT_NEVER;
	return find_virtual(settings, slice_of(address), out, why);
}

enum result
users_find_address(const struct settings *settings, struct slice local,
    struct slice domain, struct user *out, struct why *why)
{
	enum result result;

	result = find_virtual_at(settings, local, domain, out, why);
	if (result == RESULT_NEVER &&
	    settings_is_local_domain(settings, domain))
		result = find_system(settings, local, out, why);
	return result;
}

enum result
users_find_login(const struct settings *settings, struct slice login,
    struct user *out, struct why *why)
{
	enum result result = RESULT_NEVER;
	size_t at = slice_last_index(login, '@');

	if (at < login.len)
		return users_find_address(settings, slice_first(login, at),
		    slice_from(login, at + 1), out, why);
	for (size_t i = 0;
	     result == RESULT_NEVER && i < settings->domains.count; i++)
		result = find_virtual_at(settings, login,
		    slice_of(settings->domains.items[i]), out, why);
	if (result == RESULT_NEVER)
		result = find_system(settings, login, out, why);
	return result;
}

enum result
users_find_name(const struct settings *settings, struct slice name,
    struct user *out, struct why *why)
{
	if (slice_index(name, '@') < name.len)
		return find_virtual(settings, name, out, why);
	if (slice_eq(name, slice_of(settings->virtual_user)))
		return users_find_alias_owner(settings, out, why);
	return find_system(settings, name, out, why);
}

enum result
users_find_alias_owner(
    const struct settings *settings, struct user *out, struct why *why)
{
	enum result result;

	memset(out, 0, sizeof(*out));
	out->is_virtual = true;
	result = find_virtual_owner(settings, &out->uid, &out->gid, why);
	if (result != RESULT_OK)
		return result;
	if (!slice_to_array(slice_of(settings->virtual_user), out->name,
		sizeof(out->name)) ||
	    !slice_to_array(slice_of(settings->virtual_home), out->home,
		sizeof(out->home)) ||
	    !set_mail(settings, out) || !user_is_acceptable(settings, out)) {
		why_set(why, "virtual_user or virtual_home is not usable");
		return RESULT_LATER;
	}
	return RESULT_OK;
}

/* The first virtual user of a local domain in the users file. */
static enum result
first_virtual(const struct settings *settings, struct user *out)
{
	enum result result = RESULT_NEVER;
	struct slice local, domain;
	struct table_text row;
	struct buf bytes;

	buf_init(&bytes, USERS_MAX);
	if (settings->users[0] != '\0')
		(void)fs_read_file(AT_FDCWD, settings->users, &bytes, NULL);
	table_text_begin(&row, buf_slice(&bytes), TABLE_KEY_VALUE);
	while (result != RESULT_OK && table_text_next(&row))
		if (slice_cut(row.key, '@', &local, &domain) &&
		    settings_is_local_domain(settings, domain))
			result = fill_from_row(settings, &row, out, NULL);
	table_text_end(&row);
	buf_free(&bytes);
	return result;
}

/* Who gets postmaster's mail when no alias says so: the first in the users
 * file, else the account of the system with the lowest uid. */
enum result
users_find_admin(const struct settings *settings, struct user *out)
{
	enum result result = first_virtual(settings, out);
	const struct passwd *entry;
	struct user candidate;

	if (result == RESULT_OK || !settings->system_users)
		return result;
	result = RESULT_NEVER;
	setpwent();
	while ((entry = getpwent()) != NULL) {
		if (result == RESULT_OK && entry->pw_uid >= out->uid)
			continue;
		if (users_fill_system(settings, entry, &candidate, NULL) ==
		    RESULT_OK) {
			*out = candidate;
			result = RESULT_OK;
		}
	}
	endpwent();
	return result;
}

static bool
path_is_safe(const char *path)
{
	struct slice rest = slice_of(path), part;

	if (path[0] != '/')
		return false;
	for (const char *c = path; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	while (slice_token(&rest, S("/"), &part))
		if (slice_eq(part, S("..")))
			return false;
	return true;
}

bool
user_is_acceptable(const struct settings *settings, const struct user *user)
{
	if (user->uid == 0 || user->uid == (uid_t)-1 || user->gid == (gid_t)-1)
		return false;
	if (!user->is_virtual && user->uid < settings->minimum_uid)
		return false;
	return user->name[0] != '\0' && path_is_safe(user->home) &&
	       path_is_safe(user->mail);
}
