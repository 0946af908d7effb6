/* SPDX-License-Identifier: ISC */
/*
 * tls_status - what the TLS process says, once, after the handshake.
 *
 * Fixed size, written whole to TLS_STATUS by the tls program, read by the
 * front (server side) or by relay (client side).
 */
#ifndef COMMON_TLS_STATUS_H
#define COMMON_TLS_STATUS_H

#include <stdint.h>

#define TLS_STATUS_MAGIC 0x4d50544cu

struct tls_status {
	uint32_t magic;
	uint32_t is_ok;       /* 0: the handshake failed, see text */
	char version[16];     /* "TLSv1.3" */
	char cipher[64];      /* "TLS_AES_256_GCM_SHA384" */
	uint32_t bits;
	uint32_t is_verified; /* client: chain and name were right */
	char server_name[256]; /* SNI of the client, "" for none */
	char text[160];       /* reason of a failure */
};

#endif
