/* SPDX-License-Identifier: ISC */
/*
 * fetch - the data items of FETCH (RFC 3501 section 6.4.5) as parsed. They
 * are answered in the order in which they were asked for.
 */
#ifndef IMAPD_FETCH_H
#define IMAPD_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/slice.h"

enum fetch_kind {
	FETCH_FLAGS,
	FETCH_UID,
	FETCH_DATE,
	FETCH_SIZE,
	FETCH_ENVELOPE,
	FETCH_BODY,
	FETCH_BODYSTRUCTURE,
	FETCH_SECTION,
};

enum section_text {
	SECTION_ALL,
	SECTION_HEADER,
	SECTION_FIELDS,
	SECTION_FIELDS_NOT,
	SECTION_TEXT,
	SECTION_MIME,
};

struct fetch_item {
	enum fetch_kind kind;
	struct slice label; /* as answered: "BODY[1.MIME]<0>" */
	enum section_text text;
	unsigned int *numbers;
	size_t number_count;
	struct slice *names; /* of header fields */
	size_t name_count;
	bool is_partial, is_peek;
	uint32_t offset, length;
	struct fetch_item *next;
};

#endif
