/* SPDX-License-Identifier: ISC */
/*
 * tls_identity - what authentication wants to know about a TLS connection.
 *
 * The channel bindings tls-exporter (RFC 9266, of TLS 1.3 alone) and
 * tls-server-end-point (RFC 5929 section 4), and, when its chain was right,
 * the fingerprint and the mail address of the client's certificate. For the
 * tls program alone.
 */
#ifndef COMMON_TLS_IDENTITY_H
#define COMMON_TLS_IDENTITY_H

#include <openssl/ssl.h>

#include "common/tls_status.h"

/* After the handshake of a server; is_verified is set already. */
void tls_identity_fill(struct tls_status *status, SSL *ssl);

#endif
