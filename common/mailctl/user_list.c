/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/fsutil.h"
#include "common/mailctl/mailctl.h"
#include "common/mailctl/users_file.h"
#include "common/users.h"

#define FILE_MAX_SIZE (64 * 1024 * 1024)

/* A table for people, tab-separated without heading for programs. */
static void
print_row(const char *address, const char *kind, const char *where)
{
	if (isatty(STDOUT_FILENO))
		printf("%-32s %-8s %s\n", address, kind, where);
	else
		printf("%s\t%s\t%s\n", address, kind, where);
}

/* The same look-up that delivery does, so the place is the true one. */
static bool
print_user(
    const struct settings *settings, struct slice address, const char *kind)
{
	size_t at = slice_last_index(address, '@');
	struct user user;
	char text[1024];

	if (!slice_to_array(address, text, sizeof(text)))
		return false;
	if (users_find_address(settings, slice_first(address, at),
		slice_from(address, at + 1), &user, NULL) != RESULT_OK) {
		print_row(text, kind, "? not usable, see: mailctl check");
		return true;
	}
	if (user.is_virtual != (strcmp(kind, "virtual") == 0))
		return false;
	print_row(text, kind, user.mail);
	return true;
}

static size_t
list_virtual(const struct settings *settings, struct slice text)
{
	struct user_line line;
	size_t count = 0;

	while (user_line_next(&text, &line))
		count += print_user(settings, line.address, "virtual");
	return count;
}

static size_t
list_system(const struct settings *settings)
{
	const char *domain = settings->domains.count > 0
				 ? settings->domains.items[0]
				 : settings->hostname;
	struct passwd *entry;
	struct user user;
	char address[1024];
	size_t count = 0;

	setpwent();
	while ((entry = getpwent()) != NULL) {
		if (entry->pw_uid < settings->minimum_uid ||
		    users_find_address(settings, slice_of(entry->pw_name),
			slice_of(domain), &user, NULL) != RESULT_OK ||
		    user.is_virtual)
			continue;
		snprintf(
		    address, sizeof(address), "%s@%s", entry->pw_name, domain);
		print_row(address, "system", user.mail);
		count++;
	}
	endpwent();
	return count;
}

int
verb_user_list(struct mailctl *mailctl)
{
	const struct settings *settings = mailctl->settings;
	struct buf text;
	struct why why = { 0 };
	size_t count = 0;

	if (mailctl->argc != 0)
		return mailctl_usage("user list");
	buf_init(&text, FILE_MAX_SIZE);
	if (!fs_read_file(AT_FDCWD, settings->users, &text, &why) &&
	    why.error != ENOENT) {
		buf_free(&text);
		return mailctl_fail(
		    why.error == EACCES ? EX_NOPERM : EX_NOINPUT, &why);
	}
	if (isatty(STDOUT_FILENO))
		print_row("ADDRESS", "KIND", "MAILBOX");
	count = list_virtual(settings, buf_slice(&text));
	if (settings->system_users)
		count += list_system(settings);
	buf_free(&text);
	return count > 0 ? EX_OK : EXIT_NONE;
}
