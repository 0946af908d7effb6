/* SPDX-License-Identifier: ISC */
/*
 * check - the groups of "mailctl check", the doctor.
 *
 * Each group prints its lines: a failure is one line of cause and, after
 * "->", of remedy. Groups only look; they change nothing. They may need the
 * running services (ports, relay) and wait PROBE_SECONDS at most for each
 * answer. settings may have errors: groups must bear defaults.
 */
#ifndef COMMON_MAILCTL_CHECK_H
#define COMMON_MAILCTL_CHECK_H

#include "common/mailctl/mailctl.h"
#include "common/mailctl/report.h"

#define PROBE_SECONDS 5

typedef void check_fn(const struct mailctl *mailctl, struct report *report);

check_fn check_host, check_settings, check_ports, check_certificate;
check_fn check_permissions, check_queue, check_relay;

#endif
