/* SPDX-License-Identifier: ISC */
/*
 * smtpd - the SMTP front: what smtpd_main.c runs, and the same as a program
 * for a super-server's program_table.
 */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include "common/front.h"
#include "common/programs.h"

extern const struct front smtpd_front;

#endif
