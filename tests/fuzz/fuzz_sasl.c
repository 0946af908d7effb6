/* SPDX-License-Identifier: ISC */
/*
 * SASL exchanges: the first line names the mechanism, each further line is a
 * response; an empty first response stands for none.
 */
#include "config.h"

#include <stdint.h>

#include "common/auth.h"
#include "common/result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make(data, size), line, challenge;
	enum sasl_status status = SASL_CONTINUE;
	struct sasl sasl;
	bool is_first = true;

	slice_cut(rest, '\n', &line, &rest);
	if (!sasl_begin(&sasl, line, ~0U))
		status = SASL_BAD;
	while (status == SASL_CONTINUE && rest.len > 0) {
		slice_cut(rest, '\n', &line, &rest);
		status = sasl_step(
		    &sasl, !is_first || line.len > 0, line, &challenge);
		is_first = false;
	}
	if (status == SASL_DONE && sasl.password.len == 0) {
		BUG_UNLESS(sasl.user.len == 0);
		BUG_UNLESS(sasl.response.len <= LIMIT_SASL_RESPONSE);
	} else if (status == SASL_DONE) {
		BUG_UNLESS(sasl.user.len > 0);
		BUG_UNLESS(sasl.user.len <= LIMIT_USER_NAME);
		BUG_UNLESS(sasl.password.len > 0);
		BUG_UNLESS(sasl.password.len <= LIMIT_PASSWORD);
		BUG_UNLESS(
		    slice_index(buf_slice(&sasl.user), '\0') == sasl.user.len);
	}
	sasl_end(&sasl);
	return 0;
}
