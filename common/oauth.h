/* SPDX-License-Identifier: ISC */
/*
 * oauth - the client's message of OAUTHBEARER (RFC 7628) and of XOAUTH2 (as
 * Google and Microsoft describe it), and what answers a wrong token. No I/O.
 *
 * What comes out is safe to be a line of text: user and token hold printable
 * characters only, the token no blank. OAUTHBEARER may leave the user out:
 * then it is empty, and the token says who it is.
 */
#ifndef COMMON_OAUTH_H
#define COMMON_OAUTH_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/slice.h"

struct oauth_message {
	struct buf user;
	struct slice token; /* into the parsed bytes */
};

void oauth_begin(struct oauth_message *message);
void oauth_end(struct oauth_message *message);
/* False: malformed. */
bool oauth_parse_bearer(struct slice bytes, struct oauth_message *out);
bool oauth_parse_xoauth2(struct slice bytes, struct oauth_message *out);

/* The challenges after a wrong token; the client answers with anything and
 * then hears that it failed (RFC 7628 section 3.2.3). */
struct slice oauth_error_bearer(void);
struct slice oauth_error_xoauth2(void);

#endif
