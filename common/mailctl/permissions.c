/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/mailctl/account.h"
#include "common/mailctl/init.h"
#include "common/mailctl/mailctl.h"
#include "common/mailctl/report.h"
#include "common/spooldir.h"

bool
permissions_make_accounts(const struct mailctl *mailctl, struct report *report)
{
	const struct account *account;
	struct why why = { 0 };

	if (geteuid() != 0)
		return true;
	for (account = account_table; account->name != NULL; account++) {
		if (account_exists(account->name))
			continue;
		if (mailctl->is_dry_run) {
			report_line(report, REPORT_PLAN, "account", "%s (%s)",
			    account->name, account->purpose);
			continue;
		}
		if (!account_create(account, &why)) {
			report_line(
			    report, REPORT_FAIL, "account", "%s", why.text);
			return false;
		}
		report_line(
		    report, REPORT_OK, "account", "%s made", account->name);
	}
	return true;
}

bool
permissions_apply(const struct mailctl *mailctl, struct report *report)
{
	struct ownership rows[OWNERSHIP_ROWS];
	struct why why = { 0 };
	bool ok = true;

	ownership_table(mailctl->settings, rows);
	for (size_t i = 0; rows[i].path != NULL; i++) {
		if (mailctl->is_dry_run)
			report_line(report, REPORT_PLAN, "permissions",
			    "%s mode %04o", rows[i].path,
			    (unsigned int)rows[i].mode);
		else if (!ownership_apply(&rows[i], &why)) {
			report_line(
			    report, REPORT_FAIL, "permissions", "%s", why.text);
			ok = false;
		}
	}
	if (mailctl->is_dry_run)
		return true;
	if (!spool_make_directories(mailctl->settings, &why)) {
		report_line(report, REPORT_FAIL, "spool", "%s", why.text);
		return false;
	}
	return ok;
}

bool
permissions_check(const struct mailctl *mailctl, struct report *report)
{
	struct ownership rows[OWNERSHIP_ROWS];
	const struct account *account;
	struct why why = { 0 };
	bool ok = true;

	for (account = account_table; account->name != NULL; account++) {
		if (geteuid() != 0 || account_exists(account->name))
			continue;
		report_line(report, REPORT_FAIL, "account",
		    "%s is missing -> mailctl permissions", account->name);
		ok = false;
	}
	ownership_table(mailctl->settings, rows);
	for (size_t i = 0; rows[i].path != NULL; i++) {
		if (ownership_check(&rows[i], &why))
			continue;
		report_line(report, REPORT_FAIL, "permissions",
		    "%s -> mailctl permissions", why.text);
		ok = false;
	}
	if (!spool_check(mailctl->settings, &why)) {
		report_line(report, REPORT_FAIL, "spool",
		    "%s -> mailctl permissions", why.text);
		ok = false;
	}
	return ok;
}

int
verb_permissions(struct mailctl *mailctl)
{
	bool only_check = false;
	const struct option_row options[] = {
		{ "--check", &only_check, NULL },
		{ NULL, NULL, NULL },
	};
	struct report report = { 0 };
	struct why why;
	bool ok;

	if (!options_take(mailctl, options, &why))
		return mailctl_fail(EX_USAGE, &why);
	if (mailctl->argc != 0)
		return mailctl_usage("permissions [--check]");
	if (only_check)
		ok = permissions_check(mailctl, &report);
	else
		ok = permissions_make_accounts(mailctl, &report) &&
		     permissions_apply(mailctl, &report);
	if (ok && !mailctl->is_dry_run)
		report_line(&report, REPORT_OK, "permissions",
		    "owners and modes are right");
	return ok ? EX_OK : EXIT_NONE;
}
