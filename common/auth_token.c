/* SPDX-License-Identifier: ISC */
/* EXTERNAL (RFC 4422 appendix A), OAUTHBEARER and XOAUTH2: somebody else has
 * checked who it is. */
#include "config.h"

#include <string.h>

#include "common/alloc.h"
#include "common/auth_dialogue.h"
#include "common/oauth.h"

/* The user of that name is the one who has logged in. */
static enum auth_answer
log_in(struct auth_dialogue *dialogue, struct slice login)
{
	struct auth_account *account = alloc_zero(1, sizeof(*account));
	enum auth_answer answer = AUTH_ANSWER_LATER;

	switch (auth_find(dialogue->files, login, 0, account, &dialogue->why)) {
	case RESULT_OK:
		dialogue->who.user = account->user;
		answer = AUTH_ANSWER_YES;
		break;
	case RESULT_NEVER:
		answer = auth_dialogue_fail(dialogue, "no such user");
		break;
	case RESULT_LATER:
		break;
	}
	explicit_bzero(account, sizeof(*account));
	alloc_release(account);
	return answer;
}

/* The response names whom the client wants to act for: nobody, or itself. */
enum auth_answer
auth_external(struct auth_dialogue *dialogue, struct slice response)
{
	const struct auth_facts *facts = dialogue->facts;
	struct auth_account *account = alloc_zero(1, sizeof(*account));
	enum auth_answer answer;
	struct slice name;

	if (facts->is_tls && facts->tls.is_verified != 0)
		(void)auth_find_certificate(
		    dialogue->files, &facts->tls, account, &dialogue->why);
	name = slice_of(account->user.name);
	if (name.len == 0)
		answer = auth_dialogue_fail(
		    dialogue, "the certificate is nobody's here");
	else if (!auth_dialogue_admit(dialogue, name))
		answer = auth_dialogue_fail(dialogue, "");
	else
		answer = log_in(dialogue, response.len > 0 ? response : name);
	if (answer == AUTH_ANSWER_YES &&
	    !slice_eq(slice_of(dialogue->who.user.name), name))
		answer = auth_dialogue_fail(
		    dialogue, "the certificate is another user's");
	alloc_release(account);
	return answer;
}

/* With a user in the message the program may name none, or the same. */
static enum auth_answer
ask_program(struct auth_dialogue *dialogue, const struct oauth_message *message)
{
	const struct auth_question question = { AUTH_COMMAND_OAUTH,
		slice_of(dialogue->mechanism), buf_slice(&message->user),
		message->token };
	struct slice user = buf_slice(&message->user);
	char name[LIMIT_USER_NAME + 1];

	switch (auth_helper_ask(
	    &dialogue->files->helper, &question, name, &dialogue->why)) {
	case RESULT_LATER:
		return AUTH_ANSWER_LATER;
	case RESULT_NEVER:
		return auth_dialogue_fail(dialogue, "wrong token");
	case RESULT_OK:
		break;
	}
	if (user.len == 0)
		user = slice_of(name);
	else if (name[0] != '\0' && !slice_eq_nocase(user, slice_of(name)))
		return auth_dialogue_fail(
		    dialogue, "the token is another user's");
	if (user.len == 0)
		return auth_dialogue_fail(dialogue, "the token names nobody");
	slice_to_array(user, dialogue->login, sizeof(dialogue->login));
	return log_in(dialogue, user);
}

/* A wrong token is answered with a challenge that says so, then with no. */
static enum auth_answer
check_token(struct auth_dialogue *dialogue, const struct oauth_message *message,
    struct slice error)
{
	enum auth_answer answer;
	struct slice ignored;

	buf_add(&dialogue->secret, message->token);
	if (!auth_dialogue_admit(dialogue,
		message->user.len > 0 ? buf_slice(&message->user) : S("token")))
		return auth_dialogue_fail(dialogue, "");
	answer = ask_program(dialogue, message);
	if (answer == AUTH_ANSWER_NO)
		(void)auth_dialogue_ask(dialogue, error, &ignored);
	dialogue->is_given_up = false;
	return answer;
}

typedef bool parse_fn(struct slice response, struct oauth_message *message);

static enum auth_answer
take_token(struct auth_dialogue *dialogue, struct slice response,
    parse_fn *parse, struct slice error)
{
	struct oauth_message message;
	enum auth_answer answer;

	oauth_begin(&message);
	answer = parse(response, &message)
		     ? check_token(dialogue, &message, error)
		     : auth_dialogue_malformed(dialogue, "malformed");
	oauth_end(&message);
	return answer;
}

enum auth_answer
auth_bearer(struct auth_dialogue *dialogue, struct slice response)
{
	return take_token(
	    dialogue, response, oauth_parse_bearer, oauth_error_bearer());
}

enum auth_answer
auth_xoauth2(struct auth_dialogue *dialogue, struct slice response)
{
	return take_token(
	    dialogue, response, oauth_parse_xoauth2, oauth_error_xoauth2());
}
