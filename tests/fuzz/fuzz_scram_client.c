/* SPDX-License-Identifier: ISC */
/*
 * fuzz_scram_client - a hostile server: server-first, a line end,
 * server-final.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "common/scram_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice first, final;
	struct scram_client scram;
	struct why why = { 0 };
	struct buf out;

	slice_cut(slice_make(data, size), '\n', &first, &final);
	buf_init(&out, 4 * LIMIT_SCRAM_MESSAGE);
	BUG_UNLESS(scram_client_begin(&scram, S("u,=r"), S("nonce"), &out));
	buf_clear(&out);
	if (scram_client_answer(&scram, first, S("secret"), &out, &why)) {
		BUG_UNLESS(slice_starts(buf_slice(&out), S("c=biws,r=nonce")));
		/* A signature is no guess. */
		(void)scram_client_verify(&scram, final);
	} else {
		BUG_UNLESS(!scram_client_verify(&scram, final));
	}
	scram_client_end(&scram);
	buf_free(&out);
	return 0;
}
