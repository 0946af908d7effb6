/* SPDX-License-Identifier: ISC */
/*
 * programs - the programs that can be linked into another binary.
 *
 * Each is the program_fn of program.h that its own main calls as well; the
 * implementations are in the folders' libraries. merpatid puts those that it
 * is linked with into its program_table, so that a connection costs forks
 * and no exec. Whoever is not in a table is executed.
 */
#ifndef COMMON_PROGRAMS_H
#define COMMON_PROGRAMS_H

#include "common/program.h"

program_fn smtpd_program;   /* smtpd: the front of SMTP */
program_fn pop3d_program;   /* pop3d: the front of POP3 */
program_fn imapd_program;   /* imapd: the front of IMAP */
program_fn enqueue_program; /* queue: the writer of the spool */
program_fn auth_program;    /* common: one credential */

#endif
