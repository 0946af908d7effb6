/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/enqueue_options.h"

#include "common/front.h"

#include "queue/enqueue_policy.h"

bool
options_get_mail(struct message *message, struct mail_options *options)
{
	uint32_t priority;

	if (!message_get_u32(message, &options->flags) ||
	    !message_get_u32(message, &priority) ||
	    !message_get_u64(message, &options->hold_until) ||
	    !message_get_u64(message, &options->deliver_by) ||
	    !message_get_slice(message, &options->envelope_id))
		return false;
	options->priority = (int32_t)priority;
	/* A field of the header says this, and only enqueue reads it. */
	return (options->flags & MAIL_TLS_OPTIONAL) == 0 &&
	       mail_options_are_valid(options);
}

bool
options_get_rcpt(struct message *message, struct rcpt_options *options)
{
	return message_get_u8(message, &options->notify) &&
	       message_get_slice(message, &options->original) &&
	       rcpt_options_are_valid(options);
}

/* A submission: by a person or program of this host. */
static bool
may_hold(const struct settings *settings, const struct inject_facts *facts)
{
	return policy_is_trusted(settings, facts) &&
	       (facts->listener == LISTENER_SUBMISSION ||
		   facts->listener == LISTENER_SUBMISSIONS ||
		   facts->listener == INJECT_LOCAL);
}

bool
options_are_allowed(const struct settings *settings,
    const struct inject_facts *facts, const struct mail_options *options,
    uint64_t now, struct inject_reply *reply)
{
	if ((options->flags & MAIL_REQUIRETLS) != 0 && !facts->is_tls &&
	    facts->listener != INJECT_LOCAL)
		answer_set(reply, 530, "5.7.0",
		    "REQUIRETLS holds only for what comes by TLS");
	else if (options->priority != 0 && !policy_is_trusted(settings, facts))
		answer_set(reply, 550, "5.7.1",
		    "MT-PRIORITY is for own users: log in first");
	else if (options->hold_until != 0 && !may_hold(settings, facts))
		answer_set(reply, 550, "5.7.1",
		    "a message is held for own users only: log in on port "
		    "465 or 587");
	else if (options->hold_until > now + settings->maximal_hold_time)
		answer_set(reply, 501, "5.5.4",
		    "a message is held for at most %llu seconds here",
		    (unsigned long long)settings->maximal_hold_time);
	else
		return true;
	return false;
}
