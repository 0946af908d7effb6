/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/relay_content.h"

#include <string.h>

#include "common/log.h"

#include "queue/client_envelope.h"

#define BLOCK 8192

void
relay_content_init(struct relay_content *content, const struct job *job)
{
	memset(content, 0, sizeof(*content));
	content->job = job;
}

void
relay_content_clear(struct relay_content *content)
{
	if (content->has_plan)
		convert_plan_clear(&content->plan);
	content->has_plan = false;
}

static bool
make_plan(struct relay_content *content, const struct relay_body *body)
{
	char block[BLOCK];
	uint64_t done = 0;
	ssize_t n;

	if (content->has_plan)
		return true;
	convert_plan_init(&content->plan);
	for (; done < body->length; done += (uint64_t)n) {
		n = relay_body_read(body, done, block, sizeof(block));
		if (n <= 0) {
			convert_plan_clear(&content->plan);
			return false;
		}
		convert_plan_feed(&content->plan, slice_make(block, (size_t)n));
	}
	convert_plan_end(&content->plan);
	content->has_plan = true;
	return true;
}

/* What SIZE= says (RFC 1870 section 5): by doing it once for nothing. */
static uint64_t
measure(struct relay_content *content, const struct relay_body *body)
{
	uint64_t *size = &content->sizes[body->target], done = 0;
	struct convert convert;
	char block[BLOCK];
	struct buf out;
	ssize_t n = 1;

	if (*size > 0)
		return *size;
	buf_init(&out, CONVERT_ROOM(BLOCK));
	convert_init(&convert, body->plan, body->target);
	for (; done < body->length && n > 0; done += (uint64_t)n) {
		n = relay_body_read(body, done, block, sizeof(block));
		if (n <= 0 ||
		    !convert_feed(&convert, slice_make(block, (size_t)n), &out))
			break;
		*size += out.len;
		buf_clear(&out);
	}
	convert_end(&convert, &out);
	*size += out.len;
	convert_clear(&convert);
	buf_free(&out);
	return *size;
}

static bool
refuse(struct client_verdict *verdict, const char *code, const char *text)
{
	client_verdict_set(verdict, code[0] == '5' ? 'F' : 'T', code, text);
	return false;
}

static bool
convert_to(struct relay_content *content, enum convert_target target,
    struct client_message *message, struct relay_body *body)
{
	body->plan = &content->plan;
	body->target = target;
	message->is_8bit = target == CONVERT_8BIT && content->plan.has_8bit;
	message->is_binary = false;
	message->size = measure(content, body);
	log_info("%s: converted to %s for the next host", content->job->id,
	    target == CONVERT_7BIT ? "7 bits" : "8 bits");
	return true;
}

/* The host has no 8BITMIME, or the message may not show what is in it. */
static bool
choose_7bit(struct relay_content *content, struct client_message *message,
    struct relay_body *body, struct client_verdict *verdict)
{
	const struct convert_plan *plan = &content->plan;
	bool is_binary = message->is_binary && plan->has_binary;

	message->is_8bit = message->is_binary = false;
	if (!plan->has_8bit && !is_binary)
		return true;
	if (plan->has_8bit_header)
		return refuse(verdict, "5.6.3",
		    "message has 8-bit bytes in its header, which cannot be "
		    "converted, and the host does not offer 8BITMIME");
	if (plan->is_impossible)
		return refuse(verdict, "5.6.3",
		    "message cannot be converted to 7 bits, and the host "
		    "does not offer 8BITMIME");
	return convert_to(content, CONVERT_7BIT, message, body);
}

static bool
choose_8bit(struct relay_content *content, struct client_message *message,
    struct relay_body *body, struct client_verdict *verdict)
{
	const struct convert_plan *plan = &content->plan;

	message->is_8bit = plan->has_8bit;
	if (!plan->has_binary) {
		message->is_binary = false;
		return true;
	}
	if (plan->is_unreadable)
		return refuse(verdict, "5.6.3",
		    "message is binary and cannot be converted, and the host "
		    "does not offer BINARYMIME");
	return convert_to(content, CONVERT_8BIT, message, body);
}

static bool
takes_binary(const struct client *client)
{
	return (client->extensions & CLIENT_BINARYMIME) &&
	       (client->extensions & CLIENT_CHUNKING);
}

/* The host can take everything that the message may have in it. */
static bool
takes_all(const struct job *job, const struct client *client)
{
	unsigned int wanted = CLIENT_8BITMIME;

	if ((job->options.flags & MAIL_BINARY) != 0)
		wanted |= CLIENT_BINARYMIME | CLIENT_CHUNKING;
	if ((job->options.flags & MAIL_UTF8) != 0)
		wanted |= CLIENT_SMTPUTF8;
	return (client->extensions & wanted) == wanted;
}

bool
relay_content_choose(struct relay_content *content, const struct client *client,
    struct client_message *message, struct relay_body *body,
    struct client_verdict *verdict)
{
	const struct job *job = content->job;
	bool lacks_utf8 = (job->options.flags & MAIL_UTF8) != 0 &&
			  !client_offers_utf8(client);

	body->plan = NULL;
	message->size = body->length;
	message->needs_utf8 = false;
	message->is_binary = (job->options.flags & MAIL_BINARY) != 0;
	message->is_8bit = (job->flags & JOB_8BIT) != 0;
	if (takes_all(job, client))
		return true;
	if (!make_plan(content, body))
		return refuse(
		    verdict, "4.3.0", "the queue file cannot be read");
	if (lacks_utf8 && content->plan.has_8bit_header) {
		message->needs_utf8 = true;
		return true;
	}
	if (!(client->extensions & CLIENT_8BITMIME) ||
	    (lacks_utf8 && content->plan.has_8bit_inside))
		return choose_7bit(content, message, body, verdict);
	if (message->is_binary && !takes_binary(client))
		return choose_8bit(content, message, body, verdict);
	return true;
}
