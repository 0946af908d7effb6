/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>
#include <sys/random.h>

#include "common/alloc.h"
#include "common/auth_dialogue.h"
#include "common/scram.h"

static bool
make_nonce(char nonce[SCRAM_NONCE_SIZE + 1])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char random[SCRAM_NONCE_SIZE];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	for (size_t i = 0; i < sizeof(random); i++)
		nonce[i] = letters[random[i] & 63];
	nonce[SCRAM_NONCE_SIZE] = '\0';
	return true;
}

/* What a real user's salt comes from must be unknown outside. */
static enum result
find_keys(struct auth_dialogue *dialogue, struct auth_account *account,
    struct auth_keys *keys)
{
	const struct auth_failures *failures = dialogue->failures;
	enum result result;

	result = auth_find(dialogue->files, slice_of(dialogue->login),
	    dialogue->facts->service, account, &dialogue->why);
	if (result == RESULT_OK)
		auth_keys_of(account, keys);
	if (result == RESULT_OK && keys->count > 0)
		return RESULT_OK;
	if (result != RESULT_LATER)
		auth_keys_pretend(dialogue->files, slice_of(dialogue->login),
		    slice_make(failures->key, sizeof(failures->key)), keys);
	return result;
}

/* The server's proof goes to the client, which answers with nothing. */
static enum auth_answer
prove(struct auth_dialogue *dialogue, struct scram *scram,
    const struct auth_keys *keys, const struct auth_account *account)
{
	enum auth_answer answer = AUTH_ANSWER_NO;
	struct buf server_final;
	struct slice response;
	size_t i = 0;

	buf_init(&server_final, LIMIT_SCRAM_MESSAGE);
	while (i < keys->count &&
	       !scram_proves(scram, &keys->rows[i].keys, &server_final))
		i++;
	if (i < keys->count &&
	    auth_dialogue_ask(dialogue, buf_slice(&server_final), &response)) {
		answer = AUTH_ANSWER_YES;
		dialogue->who.user = account->user;
		slice_to_array(keys->rows[i].label, dialogue->who.label,
		    sizeof(dialogue->who.label));
		if (response.len > 0)
			answer = auth_dialogue_malformed(
			    dialogue, "words after the proof");
	}
	buf_free(&server_final);
	return answer;
}

static enum auth_answer
converse(
    struct auth_dialogue *dialogue, struct scram *scram, struct slice response)
{
	struct auth_account *account = alloc_zero(1, sizeof(*account));
	struct auth_keys *keys = alloc_zero(1, sizeof(*keys));
	enum auth_answer answer = AUTH_ANSWER_NO;
	enum result found = RESULT_LATER;

	if (!scram_client_first(scram, response, &dialogue->why))
		answer = auth_dialogue_malformed(dialogue, "");
	else if (!auth_dialogue_admit(dialogue, buf_slice(&scram->user)))
		answer = auth_dialogue_fail(dialogue, "");
	else if ((found = find_keys(dialogue, account, keys)) == RESULT_LATER)
		answer = AUTH_ANSWER_LATER;
	else if (!auth_dialogue_ask(dialogue,
		     scram_server_first(scram, &keys->salt), &response))
		answer = AUTH_ANSWER_NO;
	else if (!scram_client_final(scram, response, &dialogue->why))
		answer = auth_dialogue_malformed(dialogue, "");
	else
		answer = prove(dialogue, scram, keys, account);
	if (answer == AUTH_ANSWER_NO)
		auth_dialogue_fail(
		    dialogue, found == RESULT_NEVER ? "no such user"
			      : keys->count == 0 ? "no SCRAM keys for the user"
						 : "wrong password");
	explicit_bzero(account, sizeof(*account));
	explicit_bzero(keys, sizeof(*keys));
	alloc_release(account);
	alloc_release(keys);
	return answer;
}

static enum auth_answer
run(struct auth_dialogue *dialogue, struct slice response, bool is_plus)
{
	const struct auth_facts *facts = dialogue->facts;
	const struct tls_status *tls = &facts->tls;
	enum auth_answer answer = AUTH_ANSWER_LATER;
	struct scram scram;

	scram_begin(&scram);
	scram.is_plus = is_plus;
	scram.offers_plus = (facts->mechanisms & AUTH_SCRAM_PLUS) != 0;
	if (facts->is_tls && scram.offers_plus) {
		scram.binding.exporter =
		    slice_make(tls->exporter, tls->exporter_len);
		scram.binding.end_point =
		    slice_make(tls->end_point, tls->end_point_len);
	}
	if (make_nonce(scram.nonce))
		answer = converse(dialogue, &scram, response);
	scram_end(&scram);
	return answer;
}

enum auth_answer
auth_scram(struct auth_dialogue *dialogue, struct slice response)
{
	return run(dialogue, response, false);
}

enum auth_answer
auth_scram_plus(struct auth_dialogue *dialogue, struct slice response)
{
	return run(dialogue, response, true);
}
