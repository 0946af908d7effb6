/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/turn.h"

#include <sys/socket.h>

#include "common/io.h"
#include "common/limits.h"
#include "common/verify.h"

unsigned int
turn_delay(size_t errors)
{
	if (errors <= LIMIT_SMTP_SOFT_ERRORS)
		return 0;
	errors -= LIMIT_SMTP_SOFT_ERRORS;
	return errors < LIMIT_SMTP_ERROR_DELAY ? (unsigned int)errors
					       : LIMIT_SMTP_ERROR_DELAY;
}

bool
turn_is_stranger(const struct connection *connection)
{
	return connection->listener->kind == LISTENER_SMTP &&
	       connection->peer.family != 0 &&
	       !network_list_contains(
		   &connection->settings->mynetworks, &connection->peer);
}

bool
turn_is_watched(const struct connection *connection)
{
	/* A listed host has yet to say for whom it speaks. */
	if (connection->may_xclient && !connection->is_claimed)
		return false;
	return connection->settings->greet_pause > 0 &&
	       turn_is_stranger(connection);
}

/* Something to read that is not the end. */
static bool
has_spoken(int64_t deadline)
{
	char byte;

	return io_wait_readable(SESSION_INPUT, deadline) == IO_OK &&
	       recv(SESSION_INPUT, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool
turn_wait(const struct connection *connection, struct inject_reply *reply)
{
	uint64_t longest = connection->settings->greet_pause * 1000, wait = 0;
	enum verify_early early;

	if (!inject_greet(SESSION_ENQUEUE, EARLY_ASK, reply))
		return true;
	if (reply->code >= 400)
		return false;
	if (!slice_u64(slice_of(reply->text), longest, &wait) || wait == 0)
		return true;
	early = has_spoken(io_now() + (int64_t)wait) ? EARLY_TALK : EARLY_QUIET;
	return !inject_greet(SESSION_ENQUEUE, (uint8_t)early, reply) ||
	       reply->code < 400;
}

bool
turn_tell_hasty(struct inject_reply *reply)
{
	return !inject_greet(SESSION_ENQUEUE, EARLY_PIPELINE, reply) ||
	       reply->code < 400;
}
