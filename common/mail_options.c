/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mail_options.h"

#include "common/utf8.h"

/* Of each row at most one. */
static const uint32_t exclusive_flags[] = {
	MAIL_8BIT | MAIL_BINARY,
	MAIL_RET_FULL | MAIL_RET_HEADERS,
	MAIL_BY_RETURN | MAIL_BY_NOTIFY,
	MAIL_REQUIRETLS | MAIL_TLS_OPTIONAL,
};

static bool
flags_are_valid(uint32_t flags)
{
	uint32_t both;

	if ((flags & ~MAIL_FLAGS_ALL) != 0)
		return false;
	for (size_t i = 0;
	     i < sizeof(exclusive_flags) / sizeof(exclusive_flags[0]); i++) {
		both = flags & exclusive_flags[i];
		if ((both & (both - 1)) != 0)
			return false;
	}
	return true;
}

bool
mail_options_are_valid(const struct mail_options *options)
{
	uint32_t mode = options->flags & (MAIL_BY_RETURN | MAIL_BY_NOTIFY);

	if (!flags_are_valid(options->flags) ||
	    options->priority < MAIL_PRIORITY_LOWEST ||
	    options->priority > MAIL_PRIORITY_HIGHEST ||
	    options->hold_until > MAIL_TIME_MAX ||
	    options->deliver_by > MAIL_TIME_MAX ||
	    options->envelope_id.len > LIMIT_ENVELOPE_ID)
		return false;
	if ((mode != 0) != (options->deliver_by != 0) ||
	    (mode == 0 && (options->flags & MAIL_BY_TRACE) != 0))
		return false;
	for (size_t i = 0; i < options->envelope_id.len; i++)
		if (!ascii_is_print(options->envelope_id.ptr[i]))
			return false;
	return true;
}

static bool
type_is_valid(struct slice type)
{
	for (size_t i = 0; i < type.len; i++)
		if (!ascii_is_alpha(type.ptr[i]) &&
		    !ascii_is_digit(type.ptr[i]) && type.ptr[i] != '-')
			return false;
	return type.len > 0;
}

/* addr-type ";" address. */
static bool
original_is_valid(struct slice original)
{
	struct slice type, address;
	uint32_t code;

	if (original.len > LIMIT_ORIGINAL_RECIPIENT ||
	    !slice_cut(original, ';', &type, &address) ||
	    !type_is_valid(type) || address.len == 0)
		return false;
	while (address.len > 0)
		if (!utf8_next(&address, &code) || code < ' ' || code == 0x7f)
			return false;
	return true;
}

bool
rcpt_options_are_valid(const struct rcpt_options *options)
{
	const unsigned int others =
	    NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY;

	if ((options->notify & ~(NOTIFY_NEVER | others)) != 0)
		return false;
	if ((options->notify & NOTIFY_NEVER) != 0 &&
	    (options->notify & others) != 0)
		return false;
	return options->original.len == 0 ||
	       original_is_valid(options->original);
}
