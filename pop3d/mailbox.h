/* SPDX-License-Identifier: ISC */
/*
 * mailbox - pop3d-mailbox: the I/O around one POP3 session after login.
 *
 * Runs as the user, executed by the front with struct handover. Opens the
 * mailbox, answers the login, serves until QUIT or TIMEOUT_POP3_COMMAND
 * seconds without a command; only QUIT removes messages.
 */
#ifndef POP3D_MAILBOX_H
#define POP3D_MAILBOX_H

#include "common/handover.h"
#include "common/settings.h"

int pop3_mailbox_run(const struct settings *settings);

#endif
