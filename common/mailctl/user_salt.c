/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>

#include "common/app_passwords.h"
#include "common/auth.h"
#include "common/fsutil.h"
#include "common/mailctl/user_app.h"
#include "common/mailctl/users_file.h"
#include "common/scram.h"

#define FILE_MAX (64 << 20)

/* That of the user's own password, else of the first app password. */
static bool
find_salt(struct slice users, struct slice apps, struct slice name,
    struct scram_salt *salt)
{
	struct scram_keys keys = { 0 };
	struct app_password row;
	struct user_line line;
	bool has_found = users_text_find(users, name, &line) &&
			 scram_keys_parse(line.hash, &keys);

	while (!has_found && app_password_next(&apps, &row, NULL))
		has_found = slice_eq_nocase(row.user, name) &&
			    scram_keys_parse(row.hash, &keys);
	*salt = keys.salt;
	return has_found;
}

static bool
make_keys(const struct settings *settings, struct slice name,
    const char *password, struct scram_keys *keys)
{
	struct buf users, apps;
	bool ok;

	buf_init(&users, FILE_MAX);
	buf_init(&apps, FILE_MAX);
	(void)fs_read_file(AT_FDCWD, settings->users, &users, NULL);
	(void)fs_read_file(AT_FDCWD, settings->app_passwords, &apps, NULL);
	ok =
	    find_salt(buf_slice(&users), buf_slice(&apps), name, &keys->salt) ||
	    scram_salt_make(&keys->salt);
	if (ok)
		scram_keys_make(slice_of(password), keys);
	buf_free(&users);
	buf_free(&apps);
	return ok;
}

bool
user_password_hash(const struct settings *settings, struct slice name,
    const char *password, char *hash, size_t size)
{
	char text[SCRAM_KEYS_SIZE];
	struct scram_keys keys;

	if (settings->password_scheme == PASSWORD_CRYPT)
		return password_hash(password, PASSWORD_CRYPT, hash, size);
	return make_keys(settings, name, password, &keys) &&
	       scram_keys_format(&keys, text) &&
	       slice_to_array(slice_of(text), hash, size);
}
