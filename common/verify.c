/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/verify.h"

#include <string.h>

void
verify_question_put(
    struct message *message, const struct verify_question *question)
{
	message_begin(message, (uint8_t)question->type);
	switch (question->type) {
	case VERIFY_CONNECT:
		message_put_slice(message,
		    slice_make(&question->facts, sizeof(question->facts)));
		break;
	case VERIFY_GREET:
		message_put_u8(message, (uint8_t)question->early);
		break;
	case VERIFY_MAIL:
		message_put_slice(message, question->helo);
		message_put_u8(message, question->is_esmtp);
		message_put_slice(message, question->sender);
		message_put_slice(message, question->login);
		message_put_u64(message, question->size);
		message_put_u32(message, question->flags);
		message_put_slice(message, question->id);
		break;
	case VERIFY_RCPT:
		message_put_slice(message, question->recipient);
		message_put_u8(message, question->is_local);
		message_put_u8(message, question->is_exempt);
		break;
	case VERIFY_DATA:
		message_put_slice(message, question->id);
		break;
	case VERIFY_CHUNK:
		message_put_slice(message, question->bytes);
		break;
	case VERIFY_END:
	case VERIFY_ABORT:
	case VERIFY_REPLY:
	case VERIFY_EDIT:
		break;
	}
}

/* The text fields of a struct may come without their end. */
static bool
get_facts(struct message *message, struct inject_facts *facts)
{
	struct slice bytes;

	if (!message_get_slice(message, &bytes) || bytes.len != sizeof(*facts))
		return false;
	memcpy(facts, bytes.ptr, sizeof(*facts));
	return facts->magic == INJECT_FACTS_MAGIC &&
	       memchr(facts->tls_version, 0, sizeof(facts->tls_version)) !=
		   NULL &&
	       memchr(facts->tls_cipher, 0, sizeof(facts->tls_cipher)) !=
		   NULL &&
	       memchr(facts->login, 0, sizeof(facts->login)) != NULL &&
	       memchr(facts->id, 0, sizeof(facts->id)) != NULL;
}

static void
get_mail(struct message *message, struct verify_question *question)
{
	uint8_t is_esmtp = 0;

	message_get_slice(message, &question->helo);
	message_get_u8(message, &is_esmtp);
	message_get_slice(message, &question->sender);
	message_get_slice(message, &question->login);
	message_get_u64(message, &question->size);
	message_get_u32(message, &question->flags);
	message_get_slice(message, &question->id);
	question->is_esmtp = is_esmtp != 0;
}

bool
verify_question_get(struct message *message, struct verify_question *question)
{
	uint8_t value = 0;

	memset(question, 0, sizeof(*question));
	question->type = (enum verify_type)message->type;
	switch (message->type) {
	case VERIFY_CONNECT:
		if (!get_facts(message, &question->facts))
			return false;
		break;
	case VERIFY_GREET:
		message_get_u8(message, &value);
		if (value >= EARLY_COUNT)
			return false;
		question->early = (enum verify_early)value;
		break;
	case VERIFY_MAIL:
		get_mail(message, question);
		break;
	case VERIFY_RCPT:
		message_get_slice(message, &question->recipient);
		message_get_u8(message, &value);
		question->is_local = value != 0;
		message_get_u8(message, &value);
		question->is_exempt = value != 0;
		break;
	case VERIFY_DATA:
		message_get_slice(message, &question->id);
		break;
	case VERIFY_CHUNK:
		message_get_slice(message, &question->bytes);
		break;
	case VERIFY_END:
	case VERIFY_ABORT:
		break;
	default:
		return false;
	}
	return message_end(message);
}

void
verify_reply_put(struct message *message, const struct verify_reply *reply)
{
	message_begin(message, VERIFY_REPLY);
	message_put_u8(message, (uint8_t)reply->action);
	message_put_u32(message, reply->code);
	message_put_string(message, reply->status);
	message_put_string(message, reply->text);
}

/* RFC 3463 section 2: class.subject.detail, or nothing. */
static bool
is_status(const char *status, uint32_t code)
{
	struct slice class, subject, detail;
	uint64_t number;

	if (status[0] == '\0')
		return true;
	return slice_cut(slice_of(status), '.', &class, &subject) &&
	       slice_cut(subject, '.', &subject, &detail) &&
	       slice_u64(class, 5, &number) && number == code / 100 &&
	       slice_u64(subject, 999, &number) &&
	       slice_u64(detail, 999, &number);
}

bool
verify_reply_get(struct message *message, struct verify_reply *reply)
{
	uint8_t action = 0;

	memset(reply, 0, sizeof(*reply));
	if (message->type != VERIFY_REPLY)
		return false;
	message_get_u8(message, &action);
	message_get_u32(message, &reply->code);
	message_get_array(message, reply->status, sizeof(reply->status));
	message_get_array(message, reply->text, sizeof(reply->text));
	if (!message_end(message) || action >= VERIFY_ACTIONS)
		return false;
	reply->action = (enum verify_action)action;
	for (const char *c = reply->text; *c != '\0'; c++)
		if (!ascii_is_print(*c))
			return false;
	if (action != VERIFY_REFUSE && action != VERIFY_CLOSE)
		return true;
	return reply->code >= 400 && reply->code <= 599 &&
	       is_status(reply->status, reply->code);
}

void
verify_change_put(struct message *message, const struct verify_change *change)
{
	message_begin(message, VERIFY_EDIT);
	message_put_u8(message, (uint8_t)change->kind);
	message_put_u32(message, change->index);
	message_put_slice(message, change->name);
	message_put_slice(message, change->value);
}

bool
verify_change_get(struct message *message, struct verify_change *change)
{
	uint8_t kind = 0;

	memset(change, 0, sizeof(*change));
	if (message->type != VERIFY_EDIT)
		return false;
	message_get_u8(message, &kind);
	message_get_u32(message, &change->index);
	message_get_slice(message, &change->name);
	message_get_slice(message, &change->value);
	change->kind = (enum verify_edit)kind;
	return message_end(message) && kind >= EDIT_HEADER_ADD &&
	       kind <= EDIT_RCPT_DELETE;
}
