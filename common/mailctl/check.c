/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailctl/check.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct {
	const char *name;
	check_fn *run;
} groups[] = {
	{ "host", check_host },
	{ "settings", check_settings },
	{ "ports", check_ports },
	{ "certificate", check_certificate },
	{ "permissions", check_permissions },
	{ "queue", check_queue },
	{ "relay", check_relay },
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

int
verb_check(struct mailctl *mailctl)
{
	struct report report = { 0 };
	const char *group = NULL;
	const struct option_row options[] = {
		{ "--group", NULL, &group },
		{ "--quiet", &report.is_quiet, NULL },
		{ NULL, NULL, NULL },
	};
	struct why why;
	size_t run = 0;

	if (!options_take(mailctl, options, &why))
		return mailctl_fail(EX_USAGE, &why);
	if (mailctl->argc != 0)
		return mailctl_usage("check [--group NAME] [--quiet]");
	for (size_t i = 0; i < GROUPS; i++) {
		if (group != NULL && strcmp(group, groups[i].name) != 0)
			continue;
		groups[i].run(mailctl, &report);
		run++;
	}
	if (run == 0)
		return mailctl_usage("check --group host | settings | ports |"
				     " certificate | permissions | queue |"
				     " relay");
	if (!report.is_quiet)
		report_summary(&report);
	return report.counts[REPORT_FAIL] > 0 ? EXIT_NONE : EX_OK;
}
