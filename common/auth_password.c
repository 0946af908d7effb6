/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/auth_check.h"
#include "common/table_text.h"

/* A hash nobody knows the password of, at crypt(3)'s usual cost; where
 * yescrypt is unknown the second is taken. */
#define DUMMY_YESCRYPT                                                         \
	"$y$j9T$5ogTjMRMkIUsGhw6n0L0P/$"                                       \
	"JbRPJsZFHSy5sCTUzMdq4bZdjnzQuOKbpxt6h7QQkz1"
#define DUMMY_SHA512 "$6$merpatimerpati$"

/* One question: several passwords with one salt cost one hash. */
struct trial {
	struct auth_files *files;
	const struct auth_credential *credential;
	struct scram_keys made; /* for made.salt, when that has iterations */
	struct why *why;
};

static bool
matches(struct trial *trial, struct slice hash)
{
	const char *password = trial->credential->password;
	char text[AUTH_HASH_SIZE];
	struct scram_keys keys;

	if (!slice_to_array(hash, text, sizeof(text)))
		return false;
	if (!scram_is_keys(hash))
		return password_matches(password, text);
	if (!scram_keys_parse(hash, &keys))
		return false;
	if (!scram_salt_equal(&trial->made.salt, &keys.salt)) {
		trial->made.salt = keys.salt;
		scram_keys_make(slice_of(password), &trial->made);
	}
	return bytes_equal(trial->made.stored, keys.stored, SHA256_SIZE);
}

/* The first user's hash tells what a check costs on this host. */
static bool
first_hash(const struct auth_files *files, char hash[AUTH_HASH_SIZE])
{
	struct table_text row;
	struct slice text;

	hash[0] = '\0';
	table_text_begin(&row, buf_slice(&files->users_text), TABLE_KEY_VALUE);
	if (table_text_next(&row) && slice_token(&row.value, S(" \t"), &text))
		slice_to_array(text, hash, AUTH_HASH_SIZE);
	table_text_end(&row);
	return slice_starts(slice_of(hash), S("$")) ||
	       scram_is_keys(slice_of(hash));
}

/* Spend what a real check would. */
static void
hash_in_vain(struct trial *trial)
{
	char hash[AUTH_HASH_SIZE];

	if (first_hash(trial->files, hash))
		(void)matches(trial, slice_of(hash));
	else if (!password_can_check(DUMMY_YESCRYPT))
		(void)matches(trial, S(DUMMY_SHA512));
	explicit_bzero(hash, sizeof(hash));
}

static enum auth_answer
ask_program(struct trial *trial, const struct auth_account *account,
    enum auth_command command)
{
	const struct auth_question question = { command, S("PLAIN"),
		slice_of(account->user.name),
		slice_of(trial->credential->password) };
	char name[LIMIT_USER_NAME + 1];

	switch (auth_helper_ask(
	    &trial->files->helper, &question, name, trial->why)) {
	case RESULT_OK:
		return AUTH_ANSWER_YES;
	case RESULT_NEVER:
		why_set(trial->why, "wrong password");
		return AUTH_ANSWER_NO;
	case RESULT_LATER:
		break;
	}
	return AUTH_ANSWER_LATER;
}

static bool
is_locked(const char *hash)
{
	return hash[0] == '\0' || hash[0] == '*' || hash[0] == '!';
}

/* The user's own password. */
static enum auth_answer
check_own(struct trial *trial, const struct auth_account *account)
{
	const struct settings *settings = trial->files->settings;

	if (!account->user.is_virtual && settings->auth_pam[0] != '\0')
		return ask_program(trial, account, AUTH_COMMAND_PAM);
	if (is_locked(account->hash) && settings->checkpassword[0] != '\0')
		return ask_program(trial, account, AUTH_COMMAND_CHECK);
	if (matches(trial, slice_of(account->hash)))
		return AUTH_ANSWER_YES;
	why_set(trial->why, "%s",
	    account->hash[0] == '\0' ? "no password can be read for the user"
				     : "wrong password");
	return AUTH_ANSWER_NO;
}

static enum auth_answer
check(struct trial *trial, const struct auth_account *account,
    struct auth_checked *out)
{
	for (size_t i = 0; i < account->app_count; i++) {
		if (!matches(trial, account->apps[i].hash))
			continue;
		slice_to_array(
		    account->apps[i].label, out->label, sizeof(out->label));
		return AUTH_ANSWER_YES;
	}
	return check_own(trial, account);
}

enum auth_answer
auth_check(struct auth_files *files, const struct auth_credential *credential,
    struct auth_checked *out, struct why *why)
{
	struct trial trial = {
		.files = files, .credential = credential, .why = why
	};
	enum auth_answer answer = AUTH_ANSWER_LATER;
	struct auth_account account;

	memset(out, 0, sizeof(*out));
	switch (auth_find(
	    files, credential->login, credential->service, &account, why)) {
	case RESULT_LATER:
		break;
	case RESULT_NEVER:
		hash_in_vain(&trial);
		why_set(why, "no such user");
		answer = AUTH_ANSWER_NO;
		break;
	case RESULT_OK:
		answer = check(&trial, &account, out);
		break;
	}
	if (answer == AUTH_ANSWER_YES)
		out->user = account.user;
	explicit_bzero(&account, sizeof(account));
	explicit_bzero(&trial.made, sizeof(trial.made));
	return answer;
}

static void
add_keys(struct auth_keys *out, struct slice hash, struct slice label)
{
	struct scram_keys keys;

	if (!scram_keys_parse(hash, &keys))
		return;
	if (out->count == 0)
		out->salt = keys.salt;
	if (!scram_salt_equal(&out->salt, &keys.salt))
		return;
	out->rows[out->count].keys = keys;
	out->rows[out->count++].label = label;
}

void
auth_keys_of(const struct auth_account *account, struct auth_keys *out)
{
	memset(out, 0, sizeof(*out));
	add_keys(out, slice_of(account->hash), S(""));
	for (size_t i = 0; i < account->app_count; i++)
		add_keys(out, account->apps[i].hash, account->apps[i].label);
}

/* A name and its address at the first domain are one user, so they have one
 * salt. */
void
auth_keys_pretend(const struct auth_files *files, struct slice login,
    struct slice host_key, struct auth_keys *out)
{
	const struct string_list *domains = &files->settings->domains;
	char hash[AUTH_HASH_SIZE], name[2 * LIMIT_USER_NAME];
	bool is_full = slice_last_index(login, '@') < login.len;
	struct scram_keys first;
	uint8_t salt[SHA256_SIZE];

	memset(out, 0, sizeof(*out));
	snprintf(name, sizeof(name), "%.*s%s%s", SLICE_FMT(login),
	    is_full || domains->count == 0 ? "" : "@",
	    is_full || domains->count == 0 ? "" : domains->items[0]);
	for (char *c = name; *c != '\0'; c++)
		*c = ascii_lower(*c);
	hmac_of(host_key, slice_of(name), salt);
	out->salt.iterations = LIMIT_SCRAM_ITERATIONS;
	if (first_hash(files, hash) && scram_keys_parse(slice_of(hash), &first))
		out->salt.iterations = first.salt.iterations;
	out->salt.len = SCRAM_SALT_SIZE;
	memcpy(out->salt.bytes, salt, SCRAM_SALT_SIZE);
	explicit_bzero(hash, sizeof(hash));
}
