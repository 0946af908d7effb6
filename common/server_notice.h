/* SPDX-License-Identifier: ISC */
/*
 * server_notice - what a front tells the super-server about its client.
 *
 * One pipe for all fronts, FRONT_NOTICE where merpatid keeps a front: fixed
 * structs, each one atomic write. Only fronts have it, no session. A front
 * that somebody else started tells nobody.
 */
#ifndef COMMON_SERVER_NOTICE_H
#define COMMON_SERVER_NOTICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/netaddr.h"

#define NOTICE_MAGIC 0x4d504e54u

enum notice_kind {
	NOTICE_LOGIN = 1, /* somebody is logged in */
	NOTICE_PEER = 2,  /* a proxy named the client */
	NOTICE_MAIL = 3,  /* a message was begun */
	NOTICE_DONE = 4,  /* nothing of the connection is left */
};

struct notice {
	uint32_t magic;
	uint32_t kind;
	pid_t pid;
	struct netaddr peer;
};

/* fd -1: to nobody, and that is fine. peer: of NOTICE_PEER, else NULL. */
bool notice_send(int fd, enum notice_kind kind, const struct netaddr *peer);
/* Without waiting; false: none is there. */
bool notice_receive(int fd, struct notice *notice);

#endif
