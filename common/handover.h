/* SPDX-License-Identifier: ISC */
/*
 * handover - what a mailbox program (pop3d-mailbox, imapd-mailbox) starts
 * with, read from MAILBOX_HANDOVER.
 *
 * First struct handover, written by the front; then the login process's
 * bytes up to end of file: one pipe message HANDOVER_LOGIN (tag of the IMAP
 * LOGIN or AUTHENTICATE command, empty for POP3; unread network input), at
 * most HANDOVER_MAX bytes. The mailbox program answers the login command
 * itself, once the mailbox is open, and treats the unread input as the
 * beginning of what the network says.
 */
#ifndef COMMON_HANDOVER_H
#define COMMON_HANDOVER_H

#include <stdint.h>

#include "common/netaddr.h"
#include "common/result.h"
#include "common/slice.h"
#include "common/users.h"

#define HANDOVER_MAGIC 0x4d50484fu
#define HANDOVER_MAX 60000 /* fits a pipe, so that login never blocks */

enum handover_message_type { HANDOVER_LOGIN = 1 };

struct handover {
	uint32_t magic;
	uint32_t is_tls;
	struct user user;
	struct netaddr peer;
	char id[16];       /* of the connection, for the log */
	char listener[16]; /* "imaps" */
};

/* Login side: write tag and unread input. */
bool handover_send(int fd, struct slice tag, struct slice unread);
/* Mailbox side: both parts; tag and unread are kept in out until exit. */
struct buf;
bool handover_receive(int fd, struct handover *handover, struct buf *tag,
    struct buf *unread, struct why *why);

#endif
