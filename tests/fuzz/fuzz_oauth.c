/* SPDX-License-Identifier: ISC */
/* OAUTHBEARER and XOAUTH2: what comes out must be safe as a line of text. */
#include "config.h"

#include <stdint.h>

#include "common/limits.h"
#include "common/oauth.h"
#include "common/result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct oauth_message *message)
{
	struct slice user = buf_slice(&message->user);

	BUG_UNLESS(user.len <= LIMIT_USER_NAME);
	BUG_UNLESS(message->token.len > 0);
	BUG_UNLESS(slice_index(user, '\n') == user.len);
	BUG_UNLESS(slice_index(user, '\0') == user.len);
	for (size_t i = 0; i < message->token.len; i++)
		BUG_UNLESS(message->token.ptr[i] > 0x20);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = slice_make(data, size);
	struct oauth_message message;

	oauth_begin(&message);
	if (oauth_parse_bearer(bytes, &message))
		check(&message);
	oauth_end(&message);
	oauth_begin(&message);
	if (oauth_parse_xoauth2(bytes, &message))
		check(&message);
	oauth_end(&message);
	return 0;
}
