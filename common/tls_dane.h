/* SPDX-License-Identifier: ISC */
/*
 * tls_dane - verify a host by TLSA records instead of authorities.
 *
 * The records come from relay, which has them from DNSSEC and left out what
 * cannot be used (queue/dane.h). Usage 2 asks for the name, usage 3 for
 * nothing but the match: neither names nor dates (RFC 7672 section 3.1).
 */
#ifndef COMMON_TLS_DANE_H
#define COMMON_TLS_DANE_H

#include <stdbool.h>

#include <openssl/ssl.h>

/* records: "USAGE SELECTOR MATCHING HEX", commas between them. host becomes
 * the server name; domain is another name that counts for usage 2, the next
 * hop's (section 3.2.2), or "". Whether one matched is in
 * SSL_get_verify_result. */
bool tls_dane_set(
    SSL *ssl, const char *host, const char *domain, const char *records);

#endif
