/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/claim.h"

#include <string.h>

/* Ends within its array, and nothing of it could break a log line. */
static bool
is_word(const char *array, size_t size)
{
	size_t len = strnlen(array, size);

	for (size_t i = 0; i < len; i++)
		if (!ascii_is_print(array[i]) || array[i] == ' ')
			return false;
	return len < size;
}

static bool
is_family(uint8_t family)
{
	return family == 0 || family == 4 || family == 6;
}

bool
claim_is_sane(const struct claim *claim)
{
	return claim->magic == CLAIM_MAGIC &&
	       (claim->given & ~CLAIM_ALL) == 0 && claim->is_esmtp <= 1 &&
	       is_family(claim->peer.family) &&
	       is_family(claim->local.family) &&
	       is_word(claim->name, sizeof(claim->name)) &&
	       is_word(claim->helo, sizeof(claim->helo)) &&
	       is_word(claim->login, sizeof(claim->login)) &&
	       is_word(claim->ident, sizeof(claim->ident));
}

static void
merge_address(struct netaddr *total, const struct netaddr *claim,
    bool has_address, bool has_port)
{
	uint16_t port = total->port;

	if (has_address)
		*total = *claim;
	total->port = has_port ? claim->port : port;
}

void
claim_merge(struct claim *total, const struct claim *claim)
{
	total->magic = CLAIM_MAGIC;
	total->given |= claim->given;
	merge_address(&total->peer, &claim->peer,
	    (claim->given & CLAIM_ADDRESS) != 0,
	    (claim->given & CLAIM_PORT) != 0);
	merge_address(&total->local, &claim->local,
	    (claim->given & CLAIM_LOCAL_ADDRESS) != 0,
	    (claim->given & CLAIM_LOCAL_PORT) != 0);
	if ((claim->given & CLAIM_PROTOCOL) != 0)
		total->is_esmtp = claim->is_esmtp;
	if ((claim->given & CLAIM_NAME) != 0)
		memcpy(total->name, claim->name, sizeof(total->name));
	if ((claim->given & CLAIM_HELO) != 0)
		memcpy(total->helo, claim->helo, sizeof(total->helo));
	if ((claim->given & CLAIM_LOGIN) != 0)
		memcpy(total->login, claim->login, sizeof(total->login));
	if ((claim->given & CLAIM_IDENT) != 0)
		memcpy(total->ident, claim->ident, sizeof(total->ident));
}
