/* SPDX-License-Identifier: ISC */
/*
 * claim - what a listed host says about the client that it speaks for
 * (Postfix's XCLIENT and XFORWARD), as one fixed struct.
 *
 * The session parses the command and writes the claim to SESSION_CONTROL
 * behind CONTROL_XCLIENT or CONTROL_XFORWARD. The front asks whether the
 * address that it found itself is listed, looks whether the strings end and
 * are printable, and takes what was given. An owned session of a listed host
 * can claim what that host could, one of any other host nothing.
 */
#ifndef COMMON_CLAIM_H
#define COMMON_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/netaddr.h"

#define CLAIM_MAGIC 0x4d504358u

enum claim_given {
	CLAIM_NAME = 1 << 0,
	CLAIM_ADDRESS = 1 << 1,
	CLAIM_PORT = 1 << 2,
	CLAIM_HELO = 1 << 3,
	CLAIM_PROTOCOL = 1 << 4,
	CLAIM_LOGIN = 1 << 5,
	CLAIM_LOCAL_ADDRESS = 1 << 6,
	CLAIM_LOCAL_PORT = 1 << 7,
	CLAIM_IDENT = 1 << 8,
	CLAIM_FRESH = 1 << 9, /* XFORWARD: the first one since a message */
};
#define CLAIM_ALL ((1u << 10) - 1)

struct claim {
	uint32_t magic;
	uint32_t given;        /* enum claim_given; all else stays as it was */
	struct netaddr peer;   /* family 0: unavailable */
	struct netaddr local;
	uint32_t is_esmtp;     /* PROTO */
	char name[LIMIT_CLAIM_NAME + 1];   /* "" unavailable */
	char helo[LIMIT_SMTP_DOMAIN + 1];
	char login[LIMIT_USER_NAME + 1];
	char ident[LIMIT_CLAIM_IDENT + 1]; /* queue id at the client's */
};

bool claim_is_sane(const struct claim *claim);
/* Overwrite in *total what claim gives. */
void claim_merge(struct claim *total, const struct claim *claim);

#endif
