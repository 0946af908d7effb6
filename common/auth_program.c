/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/auth_check.h"
#include "common/io.h"
#include "common/jail.h"
#include "common/log.h"
#include "common/pipemsg.h"
#include "common/programs.h"

/* Descriptors after the two of the contract: users, passwd, shadow. */
#define AUTH_DESCRIPTORS (AUTH_VERDICT + 4)

struct auth_options {
	const char *address;
	const char *id;
};

static bool
parse_options(int argc, char *const argv[], struct auth_options *options)
{
	int option;

	options->address = "unknown";
	options->id = "-";
	optind = 1;
	while ((option = getopt(argc, argv, "a:c:i:")) != -1) {
		if (option == 'a')
			options->address = optarg;
		else if (option == 'i')
			options->id = optarg;
		else if (option != 'c')
			return false;
	}
	return optind == argc;
}

static bool
receive_credential(struct message *message, struct auth_credential *credential)
{
	if (message_receive(
		message, AUTH_CREDENTIAL, io_deadline(TIMEOUT_AUTH)) != IO_OK ||
	    message->type != AUTH_CREDENTIAL_MESSAGE)
		return false;
	message_get_slice(message, &credential->login);
	message_get_array(
	    message, credential->password, sizeof(credential->password));
	message_get_array(
	    message, credential->service, sizeof(credential->service));
	return message_end(message) && credential->login.len > 0 &&
	       credential->login.len <= LIMIT_USER_NAME;
}

/* Names come from the network: nothing in them can look like the end of the
 * field to a program that reads the log. */
static const char *
harmless(struct slice name, char *text, size_t size)
{
	static const struct slice others = SLICE("@._+-=/");
	size_t n = 0;

	for (; n < name.len && n + 1 < size; n++) {
		char c = name.ptr[n];

		text[n] = ascii_is_alpha(c) || ascii_is_digit(c) ||
				  slice_index(others, c) < others.len
			      ? c
			      : '?';
	}
	text[n] = '\0';
	return text;
}

static void
log_answer(const struct auth_options *options,
    const struct auth_credential *credential, enum auth_answer answer,
    const struct why *why)
{
	static const char *const words[] = { "no", "yes", "later" };
	char user[LIMIT_USER_NAME + 1], service[16];

	harmless(credential->login, user, sizeof(user));
	harmless(slice_of(credential->service), service, sizeof(service));
	log_info("service=%s user=<%s> client=%s result=%s id=%s%s%s", service,
	    user, options->address, words[answer], options->id,
	    why->text[0] == '\0' ? "" : " reason=", why->text);
}

static bool
answer_one(const struct settings *settings, const struct auth_files *files,
    const struct auth_options *options)
{
	struct auth_verdict verdict = { .magic = AUTH_VERDICT_MAGIC,
		.answer = AUTH_ANSWER_LATER };
	struct auth_credential credential = { 0 };
	enum auth_answer answer;
	struct message message;
	struct why why = { 0 };

	message_init(&message);
	if (receive_credential(&message, &credential)) {
		answer = auth_check(
		    settings, files, &credential, &verdict.user, &why);
		verdict.answer = (uint32_t)answer;
		log_answer(options, &credential, answer, &why);
	} else
		log_warning("%s: malformed credential", options->id);
	explicit_bzero(&credential, sizeof(credential));
	if (message.frame.ptr != NULL)
		explicit_bzero(message.frame.ptr, message.frame.size);
	message_free(&message);
	return io_write_all(AUTH_VERDICT, slice_make(&verdict, sizeof(verdict)),
		   io_deadline(TIMEOUT_AUTH)) == IO_OK;
}

int
auth_program(const struct settings *settings, int argc, char *const argv[])
{
	struct jail_request request = { .keep_count = AUTH_DESCRIPTORS };
	struct auth_options options;
	struct auth_files files;
	struct why why;
	bool ok;

	if (!parse_options(argc, argv, &options))
		return EX_USAGE;
	ok = auth_files_open(settings, &files, &why) &&
	     jail_enter(jail_find("auth"), settings, &request, &why);
	if (!ok)
		log_error("%s: %s", options.id, why.text);
	ok = ok && answer_one(settings, &files, &options);
	auth_files_close(&files);
	return ok ? EX_OK : EX_TEMPFAIL;
}
