/* SPDX-License-Identifier: ISC */
/*
 * destination_policy - how mail for one destination is sent, and how long.
 *
 * A value of destination_map is words "NAME=VALUE", in which NAME is one of
 * the settings that these fields are named after; the others are as set in
 * mail.conf. Pure: no I/O.
 */
#ifndef COMMON_DESTINATION_POLICY_H
#define COMMON_DESTINATION_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/result.h"
#include "common/settings.h"
#include "common/slice.h"

struct destination_policy {
	uint32_t concurrency; /* connections, from 1 */
	uint32_t initial_concurrency;
	uint32_t interval;        /* ms from message to message; 0 none */
	uint32_t minimal_backoff; /* seconds, as all below */
	uint32_t maximal_backoff;
	uint32_t lifetime;
	uint32_t delay_warning; /* 0: none */
};

void destination_policy_default(
    const struct settings *settings, struct destination_policy *policy);
/* False: why says which word; *policy is the default then. */
bool destination_policy_parse(const struct settings *settings,
    struct slice words, struct destination_policy *policy, struct why *why);
/* The setting destination_rate. */
bool destination_rate_parse(
    struct slice text, uint32_t *interval, struct why *why);

#endif
