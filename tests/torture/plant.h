/* SPDX-License-Identifier: ISC */
/*
 * plant - bugs that the tracer plants into honest programs, so that the
 * checker can be shown to see them.
 *
 *     NAME:CALL:skip    the call is left out and claims success
 *     NAME:CALL:late    it claims success, and is made after the process
 *                       and one other have written to somebody: a reply
 *                       before the commit
 *     NAME:CALL:unlink  before the call all queue files are unlinked
 *     NAME:CALL:mark    before it every recipient is marked as done
 */
#ifndef TESTS_TORTURE_PLANT_H
#define TESTS_TORTURE_PLANT_H

#include <stdbool.h>

#include "tests/torture/tracee.h"

enum plant_kind {
	PLANT_NOTHING,
	PLANT_SKIP,
	PLANT_LATE,
	PLANT_UNLINK,
	PLANT_MARK,
};

struct plant {
	char name[16];
	char call[24];
	enum plant_kind kind;
	const char *queue; /* the directory of the buckets */
	struct tracee *late;
	bool has_replied;
	unsigned int replies; /* of others, since then */
};

bool plant_parse(struct plant *plant, const char *text);
/* At the entry of a call. True: it was changed. */
bool plant_enter(struct plant *plant, struct tracee *tracee);
/* At the entry of each call: a late one may be due. */
void plant_step(struct plant *plant, struct tracee *tracee);

#endif
