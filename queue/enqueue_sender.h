/* SPDX-License-Identifier: ISC */
/*
 * enqueue_sender - what who is logged in may write as sender, and what else
 * a submission must look like (RFC 6409 sections 6.1 and 8).
 *
 * With sender_check = own an address is one's own when it leads to one's
 * mailbox alone, by the resolution that its mail would take; domain adds any
 * address of one's own domain. The table senders grants more: its keys are
 * addresses or @domains, its values logins. The null reverse-path is
 * everybody's (RFC 8098 section 3 wants it). Clients of mynetworks and
 * sendmail(1) are not asked: they have no login to hold them to.
 */
#ifndef QUEUE_ENQUEUE_SENDER_H
#define QUEUE_ENQUEUE_SENDER_H

#include <stdbool.h>

#include "common/inject.h"
#include "common/result.h"

#include "queue/enqueue_state.h"

/* The reverse path that the envelope has now; else the reply says why not. */
bool sender_may_send(struct enqueue *e, struct inject_reply *reply);
/* From:, Sender:, and fields that may stand once (RFC 5322 section 3.6). */
bool sender_check_header(
    struct enqueue *e, struct slice header, struct inject_reply *reply);
/* Append the header; of a submission without Bcc: (RFC 5322 section 3.6.3). */
void sender_add_header(
    const struct enqueue *e, struct slice header, struct buf *out);

#endif
