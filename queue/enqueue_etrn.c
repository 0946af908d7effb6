/* SPDX-License-Identifier: ISC */
/*
 * ETRN (RFC 1985): one line into the control FIFO, as mailq retry writes it.
 * The session cannot open the FIFO, and of what it says only a domain name
 * gets there.
 */
#include "config.h"

#include "queue/enqueue_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/address.h"
#include "common/limits.h"
#include "common/log.h"

#include "queue/enqueue_policy.h"

/* Nobody reading is no success here: nothing would be tried. */
static bool
ask_for_retry(struct enqueue *e, struct slice domain)
{
	char line[LIMIT_SMTP_DOMAIN + 32];
	int length = snprintf(
	    line, sizeof(line), "retry domain=%.*s\n", SLICE_FMT(domain));
	int fd = openat(
	    e->tables.spool_fd, "control", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	bool ok = fd >= 0 && length > 0 && length < (int)sizeof(line) &&
		  write(fd, line, (size_t)length) == length;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Is it a domain whose mail waits here for others? */
static bool
may_retry(struct enqueue *e, struct slice domain, struct inject_reply *reply)
{
	if (!policy_is_trusted(e->settings, &e->facts)) {
		answer_set(reply, 459, "4.7.1",
		    "ETRN is for hosts in mynetworks and own users");
		return false;
	}
	if (settings_is_local_domain(e->settings, domain)) {
		answer_set(reply, 459, "4.7.1",
		    "mail for this domain is delivered here, not sent on");
		return false;
	}
	return policy_is_reachable(
	    e->settings, e->tables.routes, domain, reply);
}

enum enqueue_step
enqueue_on_etrn(
    struct enqueue *e, struct message *message, struct inject_reply *reply)
{
	struct slice domain;

	message_get_slice(message, &domain);
	if (!message_end(message) || !domain_is_valid(domain) ||
	    domain.ptr[0] == '[')
		return ENQUEUE_BROKEN;
	if (!may_retry(e, domain, reply)) {
		enqueue_log_refusal(e, "ETRN", domain, reply);
		return ENQUEUE_REPLY;
	}
	if (ask_for_retry(e, domain)) {
		log_info("%s: etrn: %.*s", e->facts.id, SLICE_FMT(domain));
		answer_set(reply, 250, "2.0.0", "Ok: the queue is tried");
	} else {
		log_warning("%s: etrn: the queue manager does not listen: %s",
		    e->facts.id, strerror(errno));
		answer_set(reply, 458, "4.3.0",
		    "the queue manager does not answer, try again later");
	}
	return ENQUEUE_REPLY;
}
