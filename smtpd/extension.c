/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/extension.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "common/limits.h"

#include "smtpd/cmd.h"

bool
extension_is_submission(const struct session *session)
{
	return session->connection->listener->kind == LISTENER_SUBMISSION ||
	       session->connection->listener->kind == LISTENER_SUBMISSIONS;
}

bool
extension_has_tls(const struct session *session)
{
	return session->connection->is_tls;
}

/* Before the login as well: clients do not say EHLO again after it, and MAIL
 * wants the login anyhow. */
bool
extension_is_trusted(const struct session *session)
{
	const struct connection *connection = session->connection;

	if (extension_is_submission(session))
		return session->is_logged_in || check_auth(session) == NULL;
	return network_list_contains(
	    &connection->settings->mynetworks, &connection->peer);
}

bool
extension_may_hold(const struct session *session)
{
	return session->connection->settings->maximal_hold_time > 0 &&
	       extension_is_submission(session) &&
	       extension_is_trusted(session);
}

/* RFC 4865 section 4: seconds, then the latest date. */
static void
hold_limits(const struct session *session, char text[EXTENSION_TEXT_SIZE])
{
	uint64_t limit = session->connection->settings->maximal_hold_time;
	time_t latest = (time_t)(session->now + limit);
	char date[32] = "";
	struct tm tm;

	if (gmtime_r(&latest, &tm) != NULL)
		(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm);
	snprintf(text, EXTENSION_TEXT_SIZE, "%" PRIu64 " %s", limit, date);
}

static void
deliver_by_minimum(
    const struct session *session, char text[EXTENSION_TEXT_SIZE])
{
	(void)session;
	snprintf(text, EXTENSION_TEXT_SIZE, "%d", LIMIT_DELIVER_BY_MINIMUM);
}

static void
size_limit(const struct session *session, char text[EXTENSION_TEXT_SIZE])
{
	snprintf(text, EXTENSION_TEXT_SIZE, "%" PRIu64,
	    session->connection->settings->message_size_limit);
}

/* RFC 9422. */
static void
session_limits(const struct session *session, char text[EXTENSION_TEXT_SIZE])
{
	snprintf(text, EXTENSION_TEXT_SIZE, "MAILMAX=%d RCPTMAX=%zu",
	    LIMIT_SMTP_TRANSACTIONS, session_recipient_limit(session));
}

/* clang-format off */
const struct extension extension_table[] = {
	{ "PIPELINING", NULL, NULL },
	{ "ENHANCEDSTATUSCODES", NULL, NULL },
	{ "SIZE", NULL, size_limit },
	{ "8BITMIME", NULL, NULL },
	{ "BINARYMIME", NULL, NULL },
	{ "SMTPUTF8", NULL, NULL },
	{ "DSN", NULL, NULL },
	{ "DELIVERBY", NULL, deliver_by_minimum },
	{ "REQUIRETLS", extension_has_tls, NULL },
	{ "MT-PRIORITY", extension_is_trusted, NULL },
	{ "FUTURERELEASE", extension_may_hold, hold_limits },
	{ "LIMITS", NULL, session_limits },
	{ NULL, NULL, NULL },
};
/* clang-format on */
