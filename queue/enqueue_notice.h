/* SPDX-License-Identifier: ISC */
/*
 * enqueue_notice - tell a user, and postmaster, that his mail is held.
 *
 * One more queue file, with the null sender, written when the held one is
 * committed. Its text is fixed but for the reason, the id and the sender, so
 * a verify that was taken over can cause such a notice and write no mail.
 * When it cannot be written the held message is there all the same.
 */
#ifndef QUEUE_ENQUEUE_NOTICE_H
#define QUEUE_ENQUEUE_NOTICE_H

struct enqueue;

/* After the commit of the message in e->committed. */
void enqueue_notice_write(struct enqueue *e);

#endif
