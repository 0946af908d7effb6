/* SPDX-License-Identifier: ISC */
/*
 * imapd - the IMAP front as a program for program_table.
 */
#ifndef IMAPD_IMAPD_H
#define IMAPD_IMAPD_H

#include "common/front.h"
#include "common/program.h"

extern const struct front imapd_front;
program_fn imapd_program;

#endif
