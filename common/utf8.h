/* SPDX-License-Identifier: ISC */
/*
 * utf8 - strict UTF-8 (RFC 3629): no overlong form, no surrogate, nothing
 * over U+10FFFF. No normal form is asked for.
 */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "common/slice.h"

/* One code point off the front of *rest; false when malformed or empty. */
bool utf8_next(struct slice *rest, uint32_t *code);
bool utf8_is_valid(struct slice s);

#endif
