/* SPDX-License-Identifier: ISC */
/*
 * control - what a session may ask its front for: eight fixed bytes.
 *
 * Session to front: a request of the table in front.c, permitted only in
 * certain phases and some only once; anything else ends the connection.
 * Front to session: the same eight bytes as an answer. No strings travel
 * here but the fixed ones of struct claim, so the root side parses nothing.
 */
#ifndef COMMON_CONTROL_H
#define COMMON_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/io.h"

enum control_type {
	/* session to front */
	CONTROL_ENQUEUE = 1,  /* smtpd: start enqueue on SESSION_ENQUEUE */
	CONTROL_AUTH = 2,     /* a login begins on SESSION_AUTH (auth.h) */
	CONTROL_STARTTLS = 3, /* the reply is sent and this session ends; the
	                       * front starts tls and a new session */
	CONTROL_HANDOVER = 4, /* mailbox login: handover bytes are written,
	                       * this session ends */
	CONTROL_MAIL = 5,     /* smtpd: a message is begun; no answer */
	CONTROL_XCLIENT = 20, /* struct claim (claim.h) follows; the reply is
	                       * sent and this session ends, a new one is
	                       * told of another client */
	CONTROL_XFORWARD = 21, /* struct claim follows */
	/* front to session */
	CONTROL_READY = 65,   /* enqueue runs; the claim is taken */
	CONTROL_AUTH_OK = 66, /* value unused */
	CONTROL_AUTH_NO = 67, /* wrong user or password */
	CONTROL_AUTH_LATER = 68, /* cannot say now */
	CONTROL_FAILED = 69,  /* the compartment could not be started */
};

struct control {
	uint8_t type;
	uint32_t value;
};

enum io_status control_send(int fd, struct control control);
/* IO_ERROR with errno EPROTO for a wrong magic or an unknown type. */
enum io_status control_receive(int fd, struct control *control,
    int64_t deadline);

#endif
