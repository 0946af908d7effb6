/* SPDX-License-Identifier: ISC */
/*
 * effect - what a session (session.h) wants done.
 *
 * Those from EFFECT_ENQUEUE to EFFECT_AUTH have an answer, but CHUNK and
 * ABORT: the machine stands still until it is given.
 */
#ifndef SMTPD_EFFECT_H
#define SMTPD_EFFECT_H

enum effect {
	EFFECT_READ,    /* input is used up: send replies, read more */
	EFFECT_WRITE,   /* replies are many: send them */
	EFFECT_LOG,     /* log is one line */
	EFFECT_ENQUEUE, /* start enqueue; answer: session_started */
	EFFECT_MAIL,    /* inject requests; answer: session_answered */
	EFFECT_RCPT,    /* forward_path */
	EFFECT_VRFY,    /* forward_path */
	EFFECT_EXPN,    /* forward_path; fills members, too */
	EFFECT_ETRN,     /* etrn */
	EFFECT_DATA,
	EFFECT_CHUNK,    /* chunk; session_answered(NULL) when it failed */
	EFFECT_END,      /* chunk is the last one, perhaps empty */
	EFFECT_ABORT,    /* no answer */
	EFFECT_XFORWARD, /* claim; session_claimed */
	EFFECT_AUTH,     /* auth_ask about sasl; session_authenticated */
	EFFECT_STARTTLS, /* send replies, hand over to TLS, end */
	EFFECT_XCLIENT,  /* claim; another session greets */
	EFFECT_CLOSE,    /* send replies, end */
	EFFECT_COUNT,
};

#endif
