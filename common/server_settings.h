/* SPDX-License-Identifier: ISC */
/*
 * server_settings - all that mail.conf says: to the super-server itself, and
 * to each program whose fronts it starts ("smtpd.name = value").
 */
#ifndef COMMON_SERVER_SETTINGS_H
#define COMMON_SERVER_SETTINGS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "common/settings.h"

#define SERVER_PROGRAMS 3

struct server_settings {
	struct settings *own;
	struct settings *programs[SERVER_PROGRAMS];
	struct stat seen; /* the file as it was read */
};

/* own was read by the caller, from path (NULL: the default), and is taken.
 * False: a program's are in error, logged; all is to be freed even so. */
bool server_settings_take(
    struct server_settings *all, struct settings *own, const char *path);
/* False: in error, logged; the old ones stay. */
bool server_settings_reload(struct server_settings *all, const char *path);
bool server_settings_have_changed(const struct server_settings *all);
const struct settings *
server_settings_for(const struct server_settings *all, const char *program);
void server_settings_free(struct server_settings *all);

#endif
