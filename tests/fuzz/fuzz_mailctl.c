/* SPDX-License-Identifier: ISC */
/* What mailctl parses: the first byte chooses certificate, users, listen. */
#include "config.h"

#include <stdlib.h>

#include "common/buf.h"
#include "common/mailctl/certificate.h"
#include "common/mailctl/snippet.h"
#include "common/mailctl/users_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the text: after a change the user has the new hash. */
static void
edit_users(struct slice text)
{
	const struct slice address = S("alice@a.test");
	struct user_line line;
	struct buf out;

	buf_init(&out, 4 * 1024 * 1024);
	if (users_text_change(text, address, S("$y$new"), &out, NULL) &&
	    (!users_text_find(buf_slice(&out), address, &line) ||
		!slice_eq(line.hash, S("$y$new"))))
		abort();
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct service service;
	struct slice text;
	int64_t end;

	if (size == 0)
		return 0;
	text = slice_make(data + 1, size - 1);
	switch (data[0] % 3) {
	case 0:
		(void)certificate_parse_end(text, &end, NULL);
		break;
	case 1:
		edit_users(text);
		break;
	default:
		(void)service_parse(text, &service, NULL);
		break;
	}
	return 0;
}
