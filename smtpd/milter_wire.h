/* SPDX-License-Identifier: ISC */
/*
 * milter_wire - numbers of the milter protocol that milter.c (what we say)
 * and milter_answer.c (what is said to us) share.
 */
#ifndef SMTPD_MILTER_WIRE_H
#define SMTPD_MILTER_WIRE_H

#include "smtpd/milter.h"

enum {
	MILTER_VERSION = 6,
	MILTER_VERSION_OLDEST = 2
};

enum milter_action_bit {
	ACTION_ADD_HEADER = 1 << 0,
	ACTION_CHANGE_BODY = 1 << 1,
	ACTION_ADD_RCPT = 1 << 2,
	ACTION_DELETE_RCPT = 1 << 3,
	ACTION_CHANGE_HEADER = 1 << 4,
	ACTION_QUARANTINE = 1 << 5,
	ACTION_CHANGE_SENDER = 1 << 6,
	ACTION_ADD_RCPT_ARGUMENTS = 1 << 7,
	ACTION_SET_SYMBOLS = 1 << 8,
	ACTIONS_ALL = (1 << 9) - 1,
	ACTIONS_VERSION_2 = (1 << 6) - 1
};

enum milter_step_bit {
	STEP_NO_CONNECT = 1 << 0,
	STEP_NO_HELO = 1 << 1,
	STEP_NO_MAIL = 1 << 2,
	STEP_NO_RCPT = 1 << 3,
	STEP_NO_BODY = 1 << 4,
	STEP_NO_HEADERS = 1 << 5,
	STEP_NO_END_OF_HEADER = 1 << 6,
	STEP_SILENT_HEADERS = 1 << 7,
	STEP_NO_UNKNOWN = 1 << 8,
	STEP_NO_DATA = 1 << 9,
	STEP_SKIP = 1 << 10,
	/* 11, refused recipients: not shown */
	STEP_SILENT_CONNECT = 1 << 12,
	STEP_SILENT_HELO = 1 << 13,
	STEP_SILENT_MAIL = 1 << 14,
	STEP_SILENT_RCPT = 1 << 15,
	STEP_SILENT_DATA = 1 << 16,
	STEP_SILENT_UNKNOWN = 1 << 17,
	STEP_SILENT_END_OF_HEADER = 1 << 18,
	STEP_SILENT_BODY = 1 << 19,
	STEP_LEADING_SPACE = 1 << 20,
	STEPS_ALL = ((1 << 21) - 1) & ~(1 << 11),
	STEPS_VERSION_2 = (1 << 7) - 1
};

/* One row per enum milter_stage, and HEADER and BODY. */
struct milter_stage_row {
	char command;
	uint32_t skipped_by;  /* step bit */
	uint32_t silenced_by; /* step bit; 0: always answered */
	uint32_t since;       /* version */
};
extern const struct milter_stage_row milter_stages[MILTER_BODY + 1];

#endif
