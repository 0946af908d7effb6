/* SPDX-License-Identifier: ISC */
/* The text of app-passwords(5). */
#include "config.h"

#include <stdint.h>

#include "common/app_passwords.h"
#include "common/limits.h"
#include "common/result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make(data, size);
	struct app_password row;
	size_t bad = 0, rows = 0;

	while (app_password_next(&rest, &row, &bad)) {
		BUG_UNLESS(row.user.len > 0 && row.hash.len > 0);
		BUG_UNLESS(row.label.len > 0);
		BUG_UNLESS(row.label.len <= LIMIT_APP_LABEL);
		BUG_UNLESS((row.services & AUTH_SERVICE_ALL) == row.services);
		BUG_UNLESS(row.services != 0);
		rows++;
	}
	BUG_UNLESS(rows + bad <= size);
	return 0;
}
