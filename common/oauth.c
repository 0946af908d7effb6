/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/oauth.h"

#include "common/limits.h"

void
oauth_begin(struct oauth_message *message)
{
	buf_init(&message->user, LIMIT_USER_NAME);
	message->token = S("");
}

void
oauth_end(struct oauth_message *message)
{
	buf_free(&message->user);
}

static bool
is_line(const struct buf *user)
{
	for (size_t i = 0; i < user->len; i++)
		if ((unsigned char)user->ptr[i] < 0x20 || user->ptr[i] == 0x7f)
			return false;
	return !user->failed;
}

/* RFC 6750 section 2.1: b64token, and whatever else has no blank. */
static bool
take_token(struct slice value, struct slice *token)
{
	static const struct slice scheme = SLICE("Bearer ");

	if (!slice_starts_nocase(value, scheme))
		return false;
	value = slice_trim(slice_from(value, scheme.len));
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] < 0x21 || value.ptr[i] > 0x7e)
			return false;
	*token = value;
	return value.len > 0;
}

/* kvpairs: key "=" value ^A, as often as one likes, and one more ^A. */
static bool
take_pairs(struct slice rest, struct slice *token)
{
	struct slice pair, key, value;
	bool has_token = false;

	while (slice_cut(rest, '\1', &pair, &rest)) {
		if (pair.len == 0)
			return has_token && rest.len == 0;
		if (!slice_cut(pair, '=', &key, &value))
			return false;
		if (!slice_eq(key, S("auth")))
			continue;
		if (has_token || !take_token(value, token))
			return false;
		has_token = true;
	}
	return false;
}

/* saslname (RFC 5801 section 4): "=2C" is a comma, "=3D" an equals sign. */
static bool
take_name(struct slice text, struct buf *user)
{
	for (size_t i = 0; i < text.len; i++) {
		struct slice rest = slice_from(text, i);
		bool is_comma = slice_starts(rest, S("=2C"));

		if (text.ptr[i] != '=') {
			buf_add_char(user, text.ptr[i]);
			continue;
		}
		if (!is_comma && !slice_starts(rest, S("=3D")))
			return false;
		buf_add_char(user, is_comma ? ',' : '=');
		i += 2;
	}
	return user->len > 0;
}

/* gs2-header: no channel is bound here, and "a=" is the user. */
static bool
take_gs2(struct slice header, struct buf *user)
{
	struct slice flag, name;

	if (!slice_cut(header, ',', &flag, &name) ||
	    !slice_ends(name, S(",")) ||
	    (!slice_eq(flag, S("n")) && !slice_eq(flag, S("y"))))
		return false;
	name = slice_first(name, name.len - 1);
	if (name.len == 0)
		return true;
	return slice_starts(name, S("a=")) &&
	       slice_index(name, ',') == name.len &&
	       take_name(slice_from(name, 2), user);
}

bool
oauth_parse_bearer(struct slice bytes, struct oauth_message *out)
{
	struct slice header, rest;

	return slice_cut(bytes, '\1', &header, &rest) &&
	       take_gs2(header, &out->user) && is_line(&out->user) &&
	       take_pairs(rest, &out->token);
}

/* "user=" name ^A "auth=Bearer " token ^A ^A */
bool
oauth_parse_xoauth2(struct slice bytes, struct oauth_message *out)
{
	static const struct slice key = SLICE("user=");
	struct slice first, rest;

	return slice_cut(bytes, '\1', &first, &rest) &&
	       slice_starts(first, key) &&
	       buf_add(&out->user, slice_from(first, key.len)) &&
	       out->user.len > 0 && is_line(&out->user) &&
	       take_pairs(rest, &out->token);
}

struct slice
oauth_error_bearer(void)
{
	return S("{\"status\":\"invalid_token\",\"schemes\":\"bearer\"}");
}

struct slice
oauth_error_xoauth2(void)
{
	return S("{\"status\":\"401\",\"schemes\":\"bearer\"}");
}
