/* SPDX-License-Identifier: ISC */
/*
 * charset_table - charsets of one byte a character, by tables: converters of
 * iconv(3) are modules, and a jailed process cannot load those. A table has
 * the code points of the bytes from first to 255, 0 for none; bytes below
 * first are themselves. A row without name ends the list. Names are in lower
 * case (RFC 2978), all static.
 */
#ifndef COMMON_MIME_CHARSET_TABLE_H
#define COMMON_MIME_CHARSET_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "common/slice.h"

struct charset_table {
	struct slice name;
	unsigned int first;
	const uint16_t *codes;
};

extern const struct charset_table charset_tables[];

#endif
