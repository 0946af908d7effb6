/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/auth_check.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <shadow.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/fsutil.h"
#include "common/table_text.h"

#define USERS_FILE_MAX (64 << 20)
#define HASH_SIZE      512

/* A hash nobody knows the password of, at crypt(3)'s usual cost; where
 * yescrypt is unknown the second is taken. */
#define DUMMY_YESCRYPT                                                         \
	"$y$j9T$5ogTjMRMkIUsGhw6n0L0P/$"                                       \
	"JbRPJsZFHSy5sCTUzMdq4bZdjnzQuOKbpxt6h7QQkz1"
#define DUMMY_SHA512 "$6$merpatimerpati$"

/* What is known about a login name. */
struct lookup {
	const struct settings *settings;
	const struct auth_files *files;
	struct slice users; /* the users file */
	struct user *out;
	char hash[HASH_SIZE];
	struct why *why;
};

static bool
find_owner(
    const struct settings *settings, struct auth_files *files, struct why *why)
{
	const struct passwd *owner;

	files->owner_uid = geteuid();
	files->owner_gid = getegid();
	if (files->users < 0 || geteuid() != 0)
		return true;
	owner = getpwnam(settings->virtual_user);
	if (owner == NULL)
		return why_set(why, "there is no account %s (virtual_user)",
		    settings->virtual_user);
	files->owner_uid = owner->pw_uid;
	files->owner_gid = owner->pw_gid;
	return true;
}

bool
auth_files_open(
    const struct settings *settings, struct auth_files *files, struct why *why)
{
	memset(files, 0, sizeof(*files));
	files->users = open(settings->users, O_RDONLY | O_CLOEXEC);
	if (files->users < 0 && settings->users[0] != '\0' && errno != ENOENT)
		return why_errno(why, "open %s", settings->users);
	if (settings->system_users) {
		files->passwd = fopen("/etc/passwd", "re");
		files->shadow = fopen("/etc/shadow", "re");
	}
	return find_owner(settings, files, why);
}

void
auth_files_close(struct auth_files *files)
{
	if (files->users >= 0)
		close(files->users);
	if (files->passwd != NULL)
		fclose(files->passwd);
	if (files->shadow != NULL)
		fclose(files->shadow);
}

static enum result
find_virtual(struct lookup *lookup, struct slice local, struct slice domain)
{
	enum result result = RESULT_NEVER;
	struct table_text row;
	struct slice rest, hash, left, right;

	table_text_begin(&row, lookup->users, TABLE_KEY_VALUE);
	while (result == RESULT_NEVER && table_text_next(&row)) {
		slice_cut(row.key, '@', &left, &right);
		if (!slice_eq_nocase(left, local) ||
		    !slice_eq_nocase(right, domain))
			continue;
		lookup->out->uid = lookup->files->owner_uid;
		lookup->out->gid = lookup->files->owner_gid;
		result = users_fill_virtual(
		    lookup->settings, &row, lookup->out, lookup->why);
		rest = row.value;
		slice_token(&rest, S(" \t"), &hash);
		if (!slice_to_array(hash, lookup->hash, HASH_SIZE))
			result = RESULT_LATER;
	}
	table_text_end(&row);
	return result;
}

/* An account that has expired (shadow(5), field 8) has no hash. */
static void
read_shadow(struct lookup *lookup, const char *name)
{
	long today = (long)(time(NULL) / 86400);
	const struct spwd *entry;

	if (lookup->files->shadow == NULL)
		return;
	rewind(lookup->files->shadow);
	while ((entry = fgetspent(lookup->files->shadow)) != NULL) {
		if (strcmp(entry->sp_namp, name) != 0)
			continue;
		if (entry->sp_expire < 0 || entry->sp_expire > today)
			slice_to_array(
			    slice_of(entry->sp_pwdp), lookup->hash, HASH_SIZE);
		return;
	}
}

static enum result
find_account(struct lookup *lookup, struct slice name)
{
	const struct passwd *entry;
	enum result result;

	rewind(lookup->files->passwd);
	while ((entry = fgetpwent(lookup->files->passwd)) != NULL) {
		if (!slice_eq(slice_of(entry->pw_name), name))
			continue;
		result = users_fill_system(
		    lookup->settings, entry, lookup->out, lookup->why);
		if (result != RESULT_OK)
			return result;
		if (strcmp(entry->pw_passwd, "x") != 0)
			slice_to_array(slice_of(entry->pw_passwd), lookup->hash,
			    HASH_SIZE);
		else
			read_shadow(lookup, lookup->out->name);
		return RESULT_OK;
	}
	return RESULT_NEVER;
}

/* As written, else in lower case. */
static enum result
find_system(struct lookup *lookup, struct slice login)
{
	char name[LIMIT_USER_NAME + 1];
	enum result result;

	if (lookup->files->passwd == NULL ||
	    !slice_to_array(login, name, sizeof(name)))
		return RESULT_NEVER;
	result = find_account(lookup, login);
	if (result != RESULT_NEVER)
		return result;
	for (char *c = name; *c != '\0'; c++)
		*c = ascii_lower(*c);
	return find_account(lookup, slice_of(name));
}

static enum result
find_login(struct lookup *lookup, struct slice login)
{
	const struct string_list *domains = &lookup->settings->domains;
	size_t at = slice_last_index(login, '@');
	struct slice local = slice_first(login, at);
	struct slice domain = slice_from(login, at + 1);
	enum result result = RESULT_NEVER;

	if (at < login.len) {
		result = find_virtual(lookup, local, domain);
		if (result == RESULT_NEVER &&
		    settings_is_local_domain(lookup->settings, domain))
			result = find_system(lookup, local);
		return result;
	}
	for (size_t i = 0; result == RESULT_NEVER && i < domains->count; i++)
		result =
		    find_virtual(lookup, login, slice_of(domains->items[i]));
	return result == RESULT_NEVER ? find_system(lookup, login) : result;
}

/* Spend what a real check would: the hash of the first user tells how much. */
static void
hash_in_vain(struct lookup *lookup, const char *password)
{
	struct table_text row;
	struct slice hash;

	table_text_begin(&row, lookup->users, TABLE_KEY_VALUE);
	lookup->hash[0] = '\0';
	if (table_text_next(&row) && slice_token(&row.value, S(" \t"), &hash))
		slice_to_array(hash, lookup->hash, HASH_SIZE);
	table_text_end(&row);
	if (slice_starts(slice_of(lookup->hash), S("$")))
		(void)password_matches(password, lookup->hash);
	else if (!password_can_check(DUMMY_YESCRYPT))
		(void)password_matches(password, DUMMY_SHA512);
}

static enum auth_answer
check(struct lookup *lookup, const struct auth_credential *credential)
{
	switch (find_login(lookup, credential->login)) {
	case RESULT_LATER:
		return AUTH_ANSWER_LATER;
	case RESULT_NEVER:
		hash_in_vain(lookup, credential->password);
		why_set(lookup->why, "no such user");
		return AUTH_ANSWER_NO;
	case RESULT_OK:
		break;
	}
	if (password_matches(credential->password, lookup->hash))
		return AUTH_ANSWER_YES;
	why_set(lookup->why, "%s",
	    lookup->hash[0] == '\0' ? "no password can be read for the user"
				    : "wrong password");
	return AUTH_ANSWER_NO;
}

enum auth_answer
auth_check(const struct settings *settings, const struct auth_files *files,
    const struct auth_credential *credential, struct user *out, struct why *why)
{
	struct lookup lookup = {
		.settings = settings, .files = files, .out = out, .why = why
	};
	enum auth_answer answer;
	struct buf users;

	memset(out, 0, sizeof(*out));
	buf_init(&users, USERS_FILE_MAX);
	if (files->users >= 0 && !fs_read_fd(files->users, &users, why)) {
		answer = AUTH_ANSWER_LATER;
	} else {
		lookup.users = buf_slice(&users);
		answer = check(&lookup, credential);
	}
	if (answer != AUTH_ANSWER_YES)
		memset(out, 0, sizeof(*out));
	explicit_bzero(lookup.hash, sizeof(lookup.hash));
	buf_free(&users);
	return answer;
}
