/* SPDX-License-Identifier: ISC */
/*
 * parameter - "value; name=value; ..." of Content-Type and
 * Content-Disposition (RFC 2045 section 5.1, RFC 2183), with comments, quoted
 * strings and the continuations of RFC 2231 joined (percent encoding kept:
 * the name then keeps its "*"). Tolerant; at most MIME_PARAMETERS_MAX are
 * kept. Results live in the arena; false when that is used up.
 */
#ifndef COMMON_MIME_PARAMETER_H
#define COMMON_MIME_PARAMETER_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/mime/structure.h"
#include "common/slice.h"

#define MIME_PARAMETERS_MAX 64

bool mime_parse_value(struct slice body, struct arena *arena,
    struct slice *value, struct mime_parameter **parameters);
/* Value of the parameter, empty when there is none. */
struct slice
mime_parameter_get(const struct mime_parameter *parameters, struct slice name);
/* Unfolded copy of a field body, without blanks around. */
bool mime_unfold(struct slice body, struct arena *arena, struct slice *out);

#endif
