/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/newaliases.h"

#include <stdio.h>
#include <sysexits.h>

#include "common/table.h"

int
newaliases_run(const struct settings *settings, struct why *why)
{
	const char *const paths[] = { settings->aliases,
		settings->virtual_aliases };
	char directory[1024];
	size_t rows;

	snprintf(directory, sizeof(directory), "%s/tables",
	    settings->state_directory);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (paths[i][0] == '\0')
			continue;
		if (!table_rebuild(
			paths[i], TABLE_ALIASES, directory, &rows, why))
			return EX_CANTCREAT;
		printf("%s: %zu aliases\n", paths[i], rows);
	}
	return EX_OK;
}
