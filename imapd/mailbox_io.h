/* SPDX-License-Identifier: ISC */
/*
 * mailbox_io - the program imapd-mailbox: takes the handover, goes into its
 * jail, answers the login command, and moves bytes between the network and
 * the session (session.h). In IDLE it waits for the folder as well.
 */
#ifndef IMAPD_MAILBOX_IO_H
#define IMAPD_MAILBOX_IO_H

#include "common/program.h"

program_fn imapd_mailbox_program;

#endif
