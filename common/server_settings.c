/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/server_settings.h"

#include <string.h>

#include "common/account.h"
#include "common/fsutil.h"
#include "common/log.h"

static const char *const server_programs[SERVER_PROGRAMS] = { "smtpd", "pop3d",
	"imapd" };

static struct settings *
load_one(const char *path, const char *program, bool *ok)
{
	struct settings_errors errors = { 0 };
	struct settings *settings = settings_load(path, program, &errors);

	for (size_t i = 0; *ok && i < errors.count; i++)
		log_error("%s", errors.texts[i]);
	*ok = *ok && errors.count == 0;
	settings_errors_free(&errors);
	account_prefetch(settings);
	return settings;
}

static bool
load_programs(struct server_settings *all, const char *path)
{
	bool ok = true;

	for (size_t i = 0; i < SERVER_PROGRAMS; i++)
		all->programs[i] = load_one(path, server_programs[i], &ok);
	return ok;
}

bool
server_settings_take(
    struct server_settings *all, struct settings *own, const char *path)
{
	all->own = own;
	fs_note(own->path, &all->seen);
	return load_programs(all, path);
}

bool
server_settings_reload(struct server_settings *all, const char *path)
{
	struct server_settings fresh = { .own = NULL };
	bool ok = true;

	fs_note(all->own->path, &all->seen);
	fresh.seen = all->seen;
	fresh.own = load_one(path, NULL, &ok);
	ok = ok && load_programs(&fresh, path);
	server_settings_free(ok ? all : &fresh);
	if (ok)
		*all = fresh;
	return ok;
}

bool
server_settings_have_changed(const struct server_settings *all)
{
	struct stat now;

	fs_note(all->own->path, &now);
	return !fs_is_same(&now, &all->seen);
}

const struct settings *
server_settings_for(const struct server_settings *all, const char *program)
{
	for (size_t i = 0; i < SERVER_PROGRAMS; i++)
		if (strcmp(server_programs[i], program) == 0)
			return all->programs[i];
	return all->own;
}

void
server_settings_free(struct server_settings *all)
{
	settings_free(&all->own);
	for (size_t i = 0; i < SERVER_PROGRAMS; i++)
		settings_free(&all->programs[i]);
}
