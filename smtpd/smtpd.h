/* SPDX-License-Identifier: ISC */
/*
 * smtpd - the SMTP front as a program for program_table.
 */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include "common/program.h"

program_fn smtpd_program;

#endif
