/* SPDX-License-Identifier: ISC */
/*
 * verify_modules - every module of verify, for the table.
 *
 * A module is one file, with its decisions in functions without I/O.
 */
#ifndef SMTPD_VERIFY_MODULES_H
#define SMTPD_VERIFY_MODULES_H

#include "smtpd/verify.h"

extern const struct verify_module verify_client_module;   /* names */
extern const struct verify_module verify_dnsbl_module;    /* DNS lists */
extern const struct verify_module verify_greet_module;    /* its turn */
extern const struct verify_module verify_greylist_module; /* seen before? */
extern const struct verify_module verify_policy_module;   /* others' */
extern const struct verify_module verify_rate_module;     /* how much */
extern const struct verify_module verify_sender_module;   /* its domain */

extern const struct verify_module verify_filter_module; /* content */

#endif
