/* SPDX-License-Identifier: ISC */
/*
 * fuzz_verify - the pipe between enqueue and verify, in both directions:
 * a frame's payload, its type in the first byte. What is taken is sane, and
 * comes out the same when it is written and read again.
 */
#include "config.h"

#include <string.h>

#include "common/result.h"
#include "common/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_reply(const struct verify_reply *reply)
{
	struct verify_reply again;
	struct message message;

	BUG_UNLESS(reply->action < VERIFY_ACTIONS);
	for (const char *c = reply->text; *c != '\0'; c++)
		BUG_UNLESS(ascii_is_print(*c));
	if (reply->action == VERIFY_REFUSE || reply->action == VERIFY_CLOSE)
		BUG_UNLESS(reply->code >= 400 && reply->code <= 599);
	message_init(&message);
	verify_reply_put(&message, reply);
	(void)message_finish(&message);
	message.position = PIPEMSG_HEADER_SIZE;
	BUG_UNLESS(verify_reply_get(&message, &again));
	BUG_UNLESS(memcmp(&again, reply, sizeof(again)) == 0);
	message_free(&message);
}

static void
rewind_message(struct message *message)
{
	message->position = PIPEMSG_HEADER_SIZE;
	message->failed = false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verify_question question;
	struct verify_change change;
	struct verify_reply reply;
	struct message message;

	if (size == 0 || size > 65536)
		return 0;
	message_init(&message);
	message_begin(&message, data[0]);
	for (size_t i = 1; i < size; i++)
		message_put_u8(&message, data[i]);
	(void)message_finish(&message);
	rewind_message(&message);
	if (verify_question_get(&message, &question))
		BUG_UNLESS(question.early < EARLY_COUNT);
	rewind_message(&message);
	if (verify_reply_get(&message, &reply))
		check_reply(&reply);
	rewind_message(&message);
	if (verify_change_get(&message, &change))
		BUG_UNLESS(change.kind >= EDIT_HEADER_ADD);
	message_free(&message);
	return 0;
}
