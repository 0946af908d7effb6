/* SPDX-License-Identifier: ISC */
/*
 * fuzz_mime - any bytes have a MIME tree, a body structure, an envelope and
 * decoded words, within bounds.
 */
#include "config.h"

#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/mime/bodystructure.h"
#include "common/mime/envelope.h"
#include "common/mime/structure.h"
#include "common/mime/text.h"

#define MEMORY ((size_t)16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_make(data, size);
	struct arena *arena = arena_new("fuzz", MEMORY);
	struct mime_part *root = mime_parse(input, arena);
	struct buf out;

	buf_init(&out, MEMORY);
	if (root != NULL) {
		(void)bodystructure_format(&out, root, true, arena);
		(void)envelope_format(&out, root->header, arena);
	}
	(void)encoded_word_decode(input, &out);
	(void)transfer_decode_base64(input, &out);
	(void)transfer_decode_quoted(input, false, &out);
	(void)text_fold_case(input, &out);
	buf_free(&out);
	arena_free(&arena);
	return 0;
}
