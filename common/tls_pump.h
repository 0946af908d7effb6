/* SPDX-License-Identifier: ISC */
/*
 * tls_pump - the TLS handshake, then bytes both ways.
 *
 * Memory is two buffers of TLS_PUMP_BUFFER bytes: a side that does not read
 * stops the other. An end on one side (close_notify, or a shutdown of the
 * plaintext socket) is passed on as an end while the other direction goes
 * on. After the plaintext side is gone the network gets TLS_PUMP_LINGER
 * seconds to take what is left. No byte is looked at.
 */
#ifndef COMMON_TLS_PUMP_H
#define COMMON_TLS_PUMP_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "common/result.h"

#define TLS_PUMP_BUFFER 16384
#define TLS_PUMP_LINGER 30

/* ssl has accept or connect state set and network as its descriptor. */
bool tls_handshake(SSL *ssl, int network, int64_t deadline,
    struct why *why);
/* Until both sides have ended. Both descriptors are non-blocking then. */
void tls_pump_run(SSL *ssl, int network, int plaintext);

#endif
