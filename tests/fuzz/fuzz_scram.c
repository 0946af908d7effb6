/* SPDX-License-Identifier: ISC */
/*
 * SCRAM: the first byte chooses the mechanism and the offer; then come three
 * lines: client-first, client-final, and keys as in a users file.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>

#include "common/result.h"
#include "common/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
run_keys(struct slice text, struct scram_keys *keys)
{
	char written[SCRAM_KEYS_SIZE];
	struct scram_keys again;

	if (!scram_keys_parse(text, keys))
		return;
	BUG_UNLESS(keys->salt.len > 0 && keys->salt.len <= SCRAM_SALT_MAX);
	if (scram_keys_format(keys, written))
		BUG_UNLESS(scram_keys_parse(slice_of(written), &again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make(data, size), first, final;
	struct scram_keys keys = { .salt.iterations = 1, .salt.len = 1 };
	struct buf server_final;
	struct scram scram;
	struct why why;
	unsigned int choice;

	if (size == 0)
		return 0;
	choice = data[0];
	rest = slice_from(rest, 1);
	slice_cut(rest, '\n', &first, &rest);
	slice_cut(rest, '\n', &final, &rest);
	run_keys(rest, &keys);
	scram_begin(&scram);
	buf_init(&server_final, 256);
	snprintf(scram.nonce, sizeof(scram.nonce), "server");
	scram.is_plus = choice & 1;
	scram.offers_plus = choice & 2;
	if (choice & 4)
		scram.binding.exporter = S("exporter");
	if (choice & 8)
		scram.binding.end_point = S("end point");
	if (scram_client_first(&scram, first, &why)) {
		BUG_UNLESS(scram.user.len > 0);
		BUG_UNLESS(scram.user.len <= LIMIT_USER_NAME);
		scram_server_first(&scram, &keys.salt);
		/* The proof is no guess. */
		if (scram_client_final(&scram, final, &why))
			(void)scram_proves(&scram, &keys, &server_final);
	}
	scram_end(&scram);
	buf_free(&server_final);
	return 0;
}
