/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/base64.h"
#include "common/scram.h"
#include "common/scram_client.h"

#include "tests/unit/unit.h"

static bool
play(const char *nonce, const char *challenge, struct buf *out,
    struct scram_client *scram)
{
	struct why why = { 0 };
	bool ok;

	assert_true(scram_client_begin(scram, S("user"), slice_of(nonce), out));
	buf_clear(out);
	ok = scram_client_answer(
	    scram, slice_of(challenge), S("pencil"), out, &why);
	assert_int_equal(ok, why.text[0] == '\0');
	return ok;
}

/* RFC 7677 section 3. */
static void
the_example_of_the_rfc_comes_out(void **state)
{
	struct scram_client scram;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_true(play("rOprNGfwEbeRWgbNEkqO",
	    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	    &out, &scram));
	assert_slice_equal(buf_slice(&out),
	    S("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
	assert_true(scram_client_verify(
	    &scram, S("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")));
	assert_false(scram_client_verify(
	    &scram, S("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=")));
	assert_false(scram_client_verify(&scram, S("v=6rri")));
	assert_false(scram_client_verify(&scram, S("e=invalid-proof")));
	scram_client_end(&scram);
	buf_free(&out);
}

/* What a hostile or broken server says; the limits at, below and above. */
static void
bad_challenges_are_refused(void **state)
{
	static const struct {
		const char *challenge;
		bool ok;
	} cases[] = {
		{ "r=abcX,s=c2FsdA==,i=4096", true },
		{ "r=abcX,s=c2FsdA==,i=4095", false },
		{ "r=abcX,s=c2FsdA==,i=1000000", true },
		{ "r=abcX,s=c2FsdA==,i=1000001", false },
		{ "r=abcX,s=c2FsdA==,i=99999999999", false },
		{ "r=abcX,s=c2FsdA==,i=", false },
		{ "r=abc,s=c2FsdA==,i=4096", false },
		{ "r=xbcX,s=c2FsdA==,i=4096", false },
		{ "r=abcX,s=c2F!,i=4096", false },
		{ "r=abcX,i=4096,s=c2FsdA==", false },
		{ "m=x,r=abcX,s=c2FsdA==,i=4096", false },
		{ "", false },
	};
	struct scram_client scram;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].challenge);
		buf_clear(&out);
		assert_int_equal(
		    play("abc", cases[i].challenge, &out, &scram), cases[i].ok);
		scram_client_end(&scram);
	}
	buf_free(&out);
}

/* Our own server believes it, and it believes our server; an odd name. */
static void
client_and_server_understand_each_other(void **state)
{
	struct scram_keys keys = { .salt = { .iterations = 4096, .len = 4 } };
	struct buf first, final, shown;
	struct scram_client client;
	struct scram server;
	struct why why = { 0 };

	(void)state;
	memcpy(keys.salt.bytes, "salt", 4);
	scram_keys_make(S("se=cr,et"), &keys);
	buf_init(&first, 4096);
	buf_init(&final, 4096);
	buf_init(&shown, 4096);
	scram_begin(&server);
	snprintf(server.nonce, sizeof(server.nonce), "server");
	assert_true(scram_client_begin(&client, S("u=s,er"), S("abc"), &first));
	assert_true(scram_client_first(&server, buf_slice(&first), &why));
	assert_slice_equal(buf_slice(&server.user), S("u=s,er"));
	assert_true(scram_client_answer(&client,
	    scram_server_first(&server, &keys.salt), S("se=cr,et"), &final,
	    &why));
	assert_true(scram_client_final(&server, buf_slice(&final), &why));
	assert_true(scram_proves(&server, &keys, &shown));
	assert_true(scram_client_verify(&client, buf_slice(&shown)));
	scram_client_end(&client);
	scram_end(&server);
	buf_free(&first);
	buf_free(&final);
	buf_free(&shown);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_rfc_comes_out),
		cmocka_unit_test(bad_challenges_are_refused),
		cmocka_unit_test(client_and_server_understand_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
