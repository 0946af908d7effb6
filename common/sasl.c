/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "common/auth.h"

typedef enum sasl_status sasl_step_fn(struct sasl *sasl, bool has_response,
    struct slice response, struct slice *challenge);

static sasl_step_fn sasl_plain, sasl_login, sasl_carry;

/* As they are offered. */
static const struct {
	struct slice name;
	enum auth_mechanism bit;
	sasl_step_fn *step;
} sasl_mechanisms[] = {
	{ SLICE("SCRAM-SHA-256-PLUS"), AUTH_SCRAM_PLUS, sasl_carry },
	{ SLICE("SCRAM-SHA-256"), AUTH_SCRAM, sasl_carry },
	{ SLICE("EXTERNAL"), AUTH_EXTERNAL, sasl_carry },
	{ SLICE("OAUTHBEARER"), AUTH_OAUTHBEARER, sasl_carry },
	{ SLICE("XOAUTH2"), AUTH_XOAUTH2, sasl_carry },
	{ SLICE("PLAIN"), AUTH_PLAIN, sasl_plain },
	{ SLICE("LOGIN"), AUTH_LOGIN, sasl_login },
};

#define SASL_MECHANISMS (sizeof(sasl_mechanisms) / sizeof(sasl_mechanisms[0]))

unsigned int
sasl_mechanism_bit(struct slice name)
{
	for (size_t i = 0; i < SASL_MECHANISMS; i++)
		if (slice_eq_nocase(name, sasl_mechanisms[i].name))
			return sasl_mechanisms[i].bit;
	return 0;
}

void
sasl_list(unsigned int offered, const char *prefix, struct buf *out)
{
	for (size_t i = 0; i < SASL_MECHANISMS; i++) {
		if ((offered & sasl_mechanisms[i].bit) == 0)
			continue;
		buf_add_string(out, prefix);
		buf_add(out, sasl_mechanisms[i].name);
	}
}

const char *
sasl_name(const struct sasl *sasl)
{
	return sasl->mechanism < 0 ? "none"
				   : sasl_mechanisms[sasl->mechanism].name.ptr;
}

/* All memory for a password is taken at once, so that growing leaves no
 * copies behind. */
bool
sasl_begin(struct sasl *sasl, struct slice mechanism, unsigned int offered)
{
	memset(sasl, 0, sizeof(*sasl));
	buf_init(&sasl->user, LIMIT_USER_NAME);
	buf_init(&sasl->password, LIMIT_PASSWORD);
	buf_init(&sasl->response, LIMIT_SASL_RESPONSE);
	buf_init(&sasl->challenge, LIMIT_SASL_RESPONSE);
	sasl->mechanism = -1;
	for (size_t i = 0; i < SASL_MECHANISMS; i++)
		if (slice_eq_nocase(mechanism, sasl_mechanisms[i].name) &&
		    (offered & sasl_mechanisms[i].bit) != 0)
			sasl->mechanism = (int)i;
	if (sasl->mechanism < 0)
		return false;
	buf_reserve(&sasl->user, LIMIT_USER_NAME);
	buf_reserve(&sasl->password, LIMIT_PASSWORD);
	return true;
}

/* Neither name nor password may be empty or hold NUL (RFC 4616, 2). */
static bool
sasl_keep(struct buf *buf, struct slice value)
{
	buf_clear(buf);
	return value.len > 0 && slice_index(value, '\0') == value.len &&
	       buf_add(buf, value);
}

/* RFC 4616: [authzid] NUL authcid NUL passwd. Acting for somebody else is
 * not offered, so authzid is empty or the same name. */
static enum sasl_status
sasl_plain(struct sasl *sasl, bool has_response, struct slice response,
    struct slice *challenge)
{
	struct slice authorize, rest, user, password;

	if (!has_response) {
		*challenge = S("");
		return sasl->step++ == 0 ? SASL_CONTINUE : SASL_BAD;
	}
	if (!slice_cut(response, '\0', &authorize, &rest) ||
	    !slice_cut(rest, '\0', &user, &password))
		return SASL_BAD;
	if (authorize.len > 0 && !slice_eq(authorize, user))
		return SASL_BAD;
	if (!sasl_keep(&sasl->user, user) ||
	    !sasl_keep(&sasl->password, password))
		return SASL_BAD;
	return SASL_DONE;
}

/* draft-murchison-sasl-login: an initial response is the user name. */
static enum sasl_status
sasl_login(struct sasl *sasl, bool has_response, struct slice response,
    struct slice *challenge)
{
	if (!has_response) {
		*challenge = S("Username:");
		return sasl->step++ == 0 ? SASL_CONTINUE : SASL_BAD;
	}
	if (sasl->user.len == 0) {
		*challenge = S("Password:");
		return sasl_keep(&sasl->user, response) ? SASL_CONTINUE
							: SASL_BAD;
	}
	return sasl_keep(&sasl->password, response) ? SASL_DONE : SASL_BAD;
}

/* The client speaks first in all of them (RFC 5802, 4422, 7628). */
static enum sasl_status
sasl_carry(struct sasl *sasl, bool has_response, struct slice response,
    struct slice *challenge)
{
	if (!has_response) {
		*challenge = S("");
		return sasl->step++ == 0 ? SASL_CONTINUE : SASL_BAD;
	}
	buf_clear(&sasl->response);
	return buf_add(&sasl->response, response) ? SASL_DONE : SASL_BAD;
}

enum sasl_status
sasl_step(struct sasl *sasl, bool has_response, struct slice response,
    struct slice *challenge)
{
	*challenge = S("");
	if (sasl->mechanism < 0)
		return SASL_BAD;
	return sasl_mechanisms[sasl->mechanism].step(
	    sasl, has_response, response, challenge);
}

bool
sasl_cancel(struct sasl *sasl)
{
	sasl->is_cancelled = true;
	return sasl->is_running;
}

static void
sasl_wipe(struct buf *buf)
{
	if (buf->ptr != NULL)
		explicit_bzero(buf->ptr, buf->size);
	buf_free(buf);
}

void
sasl_end(struct sasl *sasl)
{
	sasl_wipe(&sasl->user);
	sasl_wipe(&sasl->password);
	sasl_wipe(&sasl->response);
	sasl_wipe(&sasl->challenge);
	sasl->mechanism = -1;
}
