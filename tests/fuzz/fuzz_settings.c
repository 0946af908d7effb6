/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "common/alloc.h"
#include "common/settings.h"
#include "common/settings_table.h"
#include "common/settings_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* include would read files of the machine: such inputs are skipped. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make(data, size);
	struct settings *settings;
	struct settings_errors errors = { 0, NULL };
	const struct settings_row *row;

	if (slice_find(text, S("include")) < text.len)
		return 0;
	settings = alloc_zero(1, sizeof(*settings));
	settings->path = alloc_string("fuzz");
	for (row = settings_table; row->name != NULL; row++)
		(void)settings_set(
		    settings, row, slice_of(row->default_text), NULL);
	settings_text_parse(settings, text, "fuzz", "smtpd", &errors);
	settings_errors_free(&errors);
	settings_free(&settings);
	return 0;
}
