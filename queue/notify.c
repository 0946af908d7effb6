/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/notify.h"

static bool
are_members(const struct spool_recipient *a, const struct spool_recipient *b)
{
	return a->original.len > 0 && slice_eq(a->original, b->original) &&
	       (a->kind != b->kind || !slice_eq(a->address, b->address) ||
		   !slice_eq(a->argument, b->argument));
}

bool
notify_is_expanded(const struct spool_message *message, size_t index)
{
	const struct spool_recipient *all = message->recipients;

	if (index > 0 && are_members(&all[index], &all[index - 1]))
		return true;
	return index + 1 < message->recipient_count &&
	       are_members(&all[index], &all[index + 1]);
}

bool
notify_wants_expansion(const struct spool_message *message, size_t index)
{
	const struct spool_recipient *all = message->recipients;

	if (message->sender.len == 0 ||
	    (all[index].options.notify & NOTIFY_SUCCESS) == 0)
		return false;
	if (index > 0 && are_members(&all[index], &all[index - 1]))
		return false;
	return notify_is_expanded(message, index);
}

uint8_t
notify_passed_on(const struct spool_message *message, size_t index)
{
	uint8_t notify = message->recipients[index].options.notify;

	if ((notify & NOTIFY_SUCCESS) == 0 ||
	    !notify_is_expanded(message, index))
		return notify;
	notify &= (uint8_t)~NOTIFY_SUCCESS;
	return notify == 0 ? NOTIFY_NEVER : notify;
}

bool
notify_wants_failure(const struct spool_recipient *recipient)
{
	return recipient->options.notify == 0 ||
	       (recipient->options.notify & NOTIFY_FAILURE) != 0;
}

bool
notify_wants_delay(const struct spool_recipient *recipient)
{
	return recipient->options.notify == 0 ||
	       (recipient->options.notify & NOTIFY_DELAY) != 0;
}

char
notify_done_status(const struct spool_message *message, size_t index,
    bool is_local, unsigned int verdict_flags)
{
	const struct mail_options *options = &message->options;
	uint8_t notify = notify_passed_on(message, index);
	bool is_timed = (options->flags & MAIL_BY_TRACE) != 0 ||
			(verdict_flags & VERDICT_UNTIMED) != 0;

	if (message->sender.len == 0)
		return RECIPIENT_DONE;
	if (is_local)
		return (notify & NOTIFY_SUCCESS) != 0 ? RECIPIENT_DELIVERED
						      : RECIPIENT_DONE;
	/* RFC 3461 section 5.2.2; RFC 2852 sections 4.1.4 and 4.1.5. */
	if ((notify & NOTIFY_SUCCESS) != 0 &&
	    (verdict_flags & VERDICT_TAKEN_ON) == 0)
		return RECIPIENT_RELAYED;
	return is_timed && (notify & NOTIFY_NEVER) == 0 ? RECIPIENT_RELAYED
							: RECIPIENT_DONE;
}

uint64_t
notify_start(const struct spool_message *message)
{
	return message->options.hold_until > message->created
		   ? message->options.hold_until
		   : message->created;
}

bool
notify_is_late(const struct spool_message *message, uint32_t mode, uint64_t now)
{
	return (message->options.flags & mode) != 0 &&
	       message->options.deliver_by != 0 &&
	       now >= message->options.deliver_by;
}
