/* SPDX-License-Identifier: ISC */
/*
 * header_list - the fields of a header section as a list that is edited.
 *
 * Verify edits it as filters ask, and enqueue does the same again with the
 * edits it was sent, so both count fields alike. A field nobody touched keeps
 * its bytes. A value is everything behind the colon, the blank after it
 * included, without the last line end; line ends in it become CRLF, and a
 * line that does not start with a blank gets one, so a value cannot add a
 * field or end the header (RFC 5322 section 2.2.3). Memory is the arena's;
 * past LIMIT_HEADER bytes or LIMIT_HEADER_FIELDS fields an edit is refused
 * and changes nothing.
 */
#ifndef COMMON_HEADER_LIST_H
#define COMMON_HEADER_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/slice.h"
#include "common/verify.h"

struct header_entry {
	struct slice name;
	struct slice value; /* behind the colon, without the last line end */
	struct slice raw;   /* all of it, with its line end */
};

struct header_list {
	struct arena *arena;
	struct header_entry *items;
	size_t count, room;
	size_t bytes; /* of all raw */
};

void header_list_init(struct header_list *list, struct arena *arena);
/* Take over a header section; copies it. False: too large. */
bool header_list_read(struct header_list *list, struct slice header);
/* At index, 0 first; past the end: at the end. */
bool header_list_insert(struct header_list *list, size_t index,
    struct slice name, struct slice value);
/* The nth of that name, 1 first. value "" deletes; a field that is not
 * there is added at the end, unless it was to be deleted. */
bool header_list_change(struct header_list *list, struct slice name,
    uint32_t nth, struct slice value);
/* EDIT_HEADER_ADD, _INSERT or _CHANGE. */
bool header_list_edit(struct header_list *list,
    const struct verify_change *edit);
/* Append all fields, without the empty line. */
bool header_list_write(const struct header_list *list, struct buf *out);
/* How many of that name are before index, it included: what CHANGE needs. */
uint32_t header_list_nth(const struct header_list *list, size_t index);

#endif
