/* SPDX-License-Identifier: ISC */
/*
 * tls_context - OpenSSL contexts from the settings.
 *
 * Made before the jail, while files can be read: certificate and key of a
 * server, the authorities that a client trusts. TLS 1.2 and later, forward
 * secrecy, no compression, no renegotiation, no session tickets (RFC 9325).
 * The server's certificate is tls_cert_file and tls_key_file, else what
 * certbot keeps for hostname, else the host's own self-signed one, which is
 * made when it is missing (tls_certificate.h).
 */
#ifndef COMMON_TLS_CONTEXT_H
#define COMMON_TLS_CONTEXT_H

#include <stddef.h>

#include <openssl/ssl.h>

#include "common/result.h"
#include "common/settings.h"

/* NULL with why. Free with SSL_CTX_free. */
SSL_CTX *tls_context_server(const struct settings *settings,
    struct why *why);
SSL_CTX *tls_context_client(const struct settings *settings,
    struct why *why);
/* The last reason OpenSSL gives, as one line; clears its queue. */
const char *tls_reason(char *text, size_t size);

#endif
