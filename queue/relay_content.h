/* SPDX-License-Identifier: ISC */
/*
 * relay_content - what a host can take of a message, and what is sent to it.
 *
 * The message is only looked into when the host lacks something that it may
 * need: 8BITMIME, SMTPUTF8, or BINARYMIME with CHUNKING. Then the plan of
 * convert.h is made once and serves every host that is tried. What cannot be
 * converted is refused in client.c or here: 5.6.3 for the body, 5.6.9 for the
 * header (RFC 6531 section 3.5).
 */
#ifndef QUEUE_RELAY_CONTENT_H
#define QUEUE_RELAY_CONTENT_H

#include "common/job.h"

#include "queue/client.h"
#include "queue/relay_session.h"

struct relay_content {
	const struct job *job;
	bool has_plan;
	struct convert_plan plan;
	uint64_t sizes[2]; /* by enum convert_target; 0 not yet known */
};

void relay_content_init(struct relay_content *content, const struct job *job);
void relay_content_clear(struct relay_content *content);
/* Sets how message and body go to the host of this client. False: they
 * cannot; verdict says why. */
bool relay_content_choose(struct relay_content *content,
    const struct client *client, struct client_message *message,
    struct relay_body *body, struct client_verdict *verdict);

#endif
