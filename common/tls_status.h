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
	uint32_t is_verified; /* client: chain and name were right; server:
	                       * the client's chain was */
	char server_name[256]; /* SNI of the client, "" for none */
	char text[160];       /* reason of a failure */
	/* Channel bindings of a server, for SCRAM; lengths of 0: none. */
	uint32_t exporter_len, end_point_len;
	uint8_t exporter[32];  /* RFC 9266 */
	uint8_t end_point[64]; /* RFC 5929 section 4 */
	/* The client's certificate, when is_verified (server). */
	uint8_t fingerprint[32]; /* SHA-256 */
	char client_address[256]; /* rfc822Name, "" for none */
};

#endif
