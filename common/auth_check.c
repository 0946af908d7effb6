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
#define APPS_FILE_MAX  (16 << 20)

/* A hash nobody knows the password of, at crypt(3)'s usual cost; where
 * yescrypt is unknown the second is taken. */
#define DUMMY_YESCRYPT                                                         \
	"$y$j9T$5ogTjMRMkIUsGhw6n0L0P/$"                                       \
	"JbRPJsZFHSy5sCTUzMdq4bZdjnzQuOKbpxt6h7QQkz1"
#define DUMMY_SHA512 "$6$merpatimerpati$"

/* What is looked for. */
struct lookup {
	struct auth_files *files;
	struct auth_account *out;
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

/* -1 when there is none; false: it cannot be opened. */
static bool
open_file(const char *path, int *fd, struct why *why)
{
	*fd = path[0] == '\0' ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	return *fd >= 0 || path[0] == '\0' || errno == ENOENT ||
	       why_errno(why, "open %s", path);
}

bool
auth_files_open(
    const struct settings *settings, struct auth_files *files, struct why *why)
{
	memset(files, 0, sizeof(*files));
	files->settings = settings;
	files->users = files->apps = files->certs = -1;
	files->helper.fd = -1;
	buf_init(&files->users_text, USERS_FILE_MAX);
	buf_init(&files->apps_text, APPS_FILE_MAX);
	buf_init(&files->certs_text, APPS_FILE_MAX);
	if (!open_file(settings->users, &files->users, why) ||
	    !open_file(settings->app_passwords, &files->apps, why) ||
	    (settings->tls_client_ca_file[0] != '\0' &&
		!open_file(settings->client_certs, &files->certs, why)))
		return false;
	if (settings->system_users) {
		files->passwd = fopen("/etc/passwd", "re");
		files->shadow = fopen("/etc/shadow", "re");
	}
	return find_owner(settings, files, why);
}

static bool
load(int fd, struct buf *text, struct why *why)
{
	return fd < 0 || fs_read_fd(fd, text, why);
}

bool
auth_files_load(struct auth_files *files, struct why *why)
{
	return load(files->users, &files->users_text, why) &&
	       load(files->apps, &files->apps_text, why) &&
	       load(files->certs, &files->certs_text, why);
}

void
auth_files_close(struct auth_files *files)
{
	int fds[] = { files->users, files->apps, files->certs };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (files->passwd != NULL)
		fclose(files->passwd);
	if (files->shadow != NULL)
		fclose(files->shadow);
	buf_free(&files->users_text);
	buf_free(&files->apps_text);
	buf_free(&files->certs_text);
	auth_helper_close(&files->helper);
}

static enum result
find_virtual(struct lookup *lookup, struct slice local, struct slice domain)
{
	enum result result = RESULT_NEVER;
	struct table_text row;
	struct slice rest, hash, left, right;

	table_text_begin(
	    &row, buf_slice(&lookup->files->users_text), TABLE_KEY_VALUE);
	while (result == RESULT_NEVER && table_text_next(&row)) {
		slice_cut(row.key, '@', &left, &right);
		if (!slice_eq_nocase(left, local) ||
		    !slice_eq_nocase(right, domain))
			continue;
		lookup->out->user.uid = lookup->files->owner_uid;
		lookup->out->user.gid = lookup->files->owner_gid;
		result = users_fill_virtual(lookup->files->settings, &row,
		    &lookup->out->user, lookup->why);
		rest = row.value;
		slice_token(&rest, S(" \t"), &hash);
		if (!slice_to_array(hash, lookup->out->hash, AUTH_HASH_SIZE))
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
			slice_to_array(slice_of(entry->sp_pwdp),
			    lookup->out->hash, AUTH_HASH_SIZE);
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
		result = users_fill_system(lookup->files->settings, entry,
		    &lookup->out->user, lookup->why);
		if (result != RESULT_OK)
			return result;
		if (strcmp(entry->pw_passwd, "x") != 0)
			slice_to_array(slice_of(entry->pw_passwd),
			    lookup->out->hash, AUTH_HASH_SIZE);
		else
			read_shadow(lookup, lookup->out->user.name);
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
	const struct settings *settings = lookup->files->settings;
	const struct string_list *domains = &settings->domains;
	size_t at = slice_last_index(login, '@');
	struct slice local = slice_first(login, at);
	struct slice domain = slice_from(login, at + 1);
	enum result result = RESULT_NEVER;

	if (at < login.len) {
		result = find_virtual(lookup, local, domain);
		if (result == RESULT_NEVER &&
		    settings_is_local_domain(settings, domain))
			result = find_system(lookup, local);
		return result;
	}
	for (size_t i = 0; result == RESULT_NEVER && i < domains->count; i++)
		result =
		    find_virtual(lookup, login, slice_of(domains->items[i]));
	return result == RESULT_NEVER ? find_system(lookup, login) : result;
}

/* The app passwords of a user that has been found. */
static void
find_apps(struct lookup *lookup, unsigned int service)
{
	struct slice rest = buf_slice(&lookup->files->apps_text);
	struct auth_account *out = lookup->out;
	struct app_password *next = &out->apps[0];

	while (out->app_count < LIMIT_APP_PASSWORDS &&
	       app_password_next(&rest, next, NULL)) {
		if ((next->services & service) == 0 ||
		    next->hash.len >= AUTH_HASH_SIZE ||
		    !slice_eq_nocase(next->user, slice_of(out->user.name)))
			continue;
		next = &out->apps[++out->app_count];
	}
}

enum result
auth_find(struct auth_files *files, struct slice login, unsigned int service,
    struct auth_account *out, struct why *why)
{
	struct lookup lookup = { files, out, why };
	enum result result;

	memset(out, 0, sizeof(*out));
	result = find_login(&lookup, login);
	if (result == RESULT_OK)
		find_apps(&lookup, service);
	return result;
}

/* "AB:CD..." or "abcd...", as openssl and others print it. */
static bool
fingerprint_matches(struct slice text, const uint8_t *fingerprint)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.ptr[i]);
		unsigned int byte = n / 2 < 32 ? fingerprint[n / 2] : 0;

		if (c == ':')
			continue;
		if (n / 2 >= 32 ||
		    c != digits[n % 2 == 0 ? byte >> 4 : byte & 15])
			return false;
		n++;
	}
	return n == 64;
}

enum result
auth_find_certificate(struct auth_files *files, const struct tls_status *tls,
    struct auth_account *out, struct why *why)
{
	char login[LIMIT_USER_NAME + 1];
	struct table_text row;
	bool has_found = false;

	table_text_begin(&row, buf_slice(&files->certs_text), TABLE_KEY_VALUE);
	while (!has_found && table_text_next(&row))
		has_found = fingerprint_matches(row.key, tls->fingerprint) &&
			    slice_to_array(row.value, login, sizeof(login));
	table_text_end(&row);
	if (!has_found && !slice_to_array(slice_of(tls->client_address), login,
			      sizeof(login)))
		return RESULT_NEVER;
	if (login[0] == '\0') {
		why_set(why, "the certificate names no user");
		return RESULT_NEVER;
	}
	return auth_find(files, slice_of(login), 0, out, why);
}
