/* SPDX-License-Identifier: ISC */
/*
 * driver - runs an SMTP session core in a test, with no process around it.
 *
 * What the session does is written into one transcript: replies as they are,
 * effects as lines in brackets, "[MAIL a@b]". Message bytes go to message.
 * Enqueue is played: an address starting with "no" is refused with 550, one
 * with "later" with 451, DATA from "full" with 452; user "ann" has the
 * password "secret". The client is in mynetworks on "lmtp" and on "friend",
 * which is port 25 for it.
 */
#ifndef TESTS_UNIT_SMTPD_DRIVER_H
#define TESTS_UNIT_SMTPD_DRIVER_H

#include "common/settings.h"

#include "smtpd/session.h"

enum {
	DRIVER_NOW = 1700000000 /* the session's clock */
};

struct driver {
	struct session session;
	struct network friends;
	struct settings settings;
	struct connection connection;
	struct buf transcript;       /* effects, and replies as they are sent */
	struct buf effects, replies; /* the two apart */
	struct buf message;          /* of the transaction at work */
	struct buf accepted; /* all messages that got a 250, "\n--\n" after */
	bool is_enqueue_dead;
	bool is_closed;
	bool is_quiet;       /* only replies are written down */
	size_t most_replies; /* the largest reply buffer seen */
};

void driver_init(struct driver *driver, const char *listener, bool is_tls);
void driver_clear(struct driver *driver);
/* All of it, in pieces of at most step bytes (0: whole). */
void driver_feed(struct driver *driver, struct slice input, size_t step);
/* In pieces whose lengths come from seed. */
void driver_feed_random(
    struct driver *driver, struct slice input, unsigned int seed);
void driver_end(struct driver *driver, bool is_timeout);
/* Feed text and give the transcript since the last call of this. */
const char *driver_say(struct driver *driver, const char *text);
void driver_say_many(struct driver *driver, const char *const *lines);

#endif
