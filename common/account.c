/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/account.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/jail.h"

enum {
	CACHE_ROWS = 16,
	NAME_SIZE = 32
};

struct account_cache {
	size_t count;
	struct {
		char name[NAME_SIZE];
		struct account account;
	} rows[CACHE_ROWS];
};

struct account_cache *
account_cache_new(void)
{
	return alloc_zero(1, sizeof(struct account_cache));
}

void
account_cache_free(struct account_cache **cache)
{
	alloc_release(*cache);
	*cache = NULL;
}

static bool
cache_find(
    const struct account_cache *cache, const char *name, struct account *out)
{
	for (size_t i = 0; i < cache->count; i++) {
		if (strcmp(cache->rows[i].name, name) != 0)
			continue;
		*out = cache->rows[i].account;
		return true;
	}
	return false;
}

static void
cache_add(struct account_cache *cache, const char *name,
    const struct account *account)
{
	if (cache->count == CACHE_ROWS || strlen(name) >= NAME_SIZE)
		return;
	memcpy(cache->rows[cache->count].name, name, strlen(name) + 1);
	cache->rows[cache->count].account = *account;
	cache->count++;
}

/* Our own accounts are in the file, where looking is cheap. */
static const struct passwd *
find_entry(const char *name)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *entry = NULL;

	while (file != NULL && (entry = fgetpwent(file)) != NULL)
		if (strcmp(entry->pw_name, name) == 0)
			break;
	if (file != NULL)
		fclose(file);
	return entry != NULL ? entry : getpwnam(name);
}

bool
account_find(
    const struct settings *settings, const char *name, struct account *out)
{
	const struct passwd *entry;

	if (settings->accounts != NULL &&
	    cache_find(settings->accounts, name, out))
		return true;
	entry = find_entry(name);
	if (entry == NULL)
		return false;
	out->uid = entry->pw_uid;
	out->gid = entry->pw_gid;
	if (settings->accounts != NULL)
		cache_add(settings->accounts, name, out);
	return true;
}

void
account_prefetch(const struct settings *settings)
{
	struct account account;

	(void)account_find(settings, settings->virtual_user, &account);
	for (const struct jail *jail = jail_table; jail->name != NULL; jail++)
		if (jail->account != NULL)
			(void)account_find(settings, jail->account, &account);
}
