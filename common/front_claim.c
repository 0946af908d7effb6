/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/front_state.h"

#include <stdio.h>
#include <string.h>

#include "common/claim.h"
#include "common/limits.h"
#include "common/log.h"

void
front_set_claim_rights(struct connection *c)
{
	const struct settings *settings = c->settings;

	c->may_xclient =
	    network_list_contains(&settings->xclient_hosts, &c->peer);
	c->may_xforward =
	    network_list_contains(&settings->xforward_hosts, &c->peer);
}

static bool
receive_claim(const struct front_state *state, struct claim *claim)
{
	if (io_read_all(state->control, claim, sizeof(*claim),
		io_deadline(TIMEOUT_PIPE)) == IO_OK &&
	    claim_is_sane(claim))
		return true;
	log_error("%s: session made a malformed claim", state->connection.id);
	return false;
}

/* "" is nobody: who was logged in is not any more. */
static void
set_login(struct front_state *state, const char *login)
{
	struct user *user = &state->user;

	memset(user, 0, sizeof(*user));
	snprintf(user->name, sizeof(user->name), "%s", login);
	snprintf(state->connection.login, sizeof(state->connection.login), "%s",
	    login);
	state->phase = login[0] == '\0' ? FRONT_OPEN : FRONT_LOGGED_IN;
}

/* The rights to claim stay those of the address that was found here. */
bool
front_take_xclient(struct front_state *state)
{
	struct connection *c = &state->connection;
	char before[NETADDR_TEXT_SIZE], after[NETADDR_TEXT_SIZE];
	struct claim claim;

	if (!receive_claim(state, &claim))
		return false;
	netaddr_format(&c->peer, before);
	c->claim.peer = c->peer;
	c->claim.local = c->local;
	claim_merge(&c->claim, &claim);
	front_set_peer(c, &c->claim.peer, &c->claim.local);
	if ((claim.given & CLAIM_LOGIN) != 0)
		set_login(state, claim.login);
	c->is_claimed = true;
	c->is_claimed_in_tls = c->is_tls;
	log_info("%s: XCLIENT from %s for %s[%s]%s%s", c->id, before,
	    c->claim.name[0] == '\0' ? "unknown" : c->claim.name,
	    netaddr_format(&c->peer, after),
	    c->login[0] == '\0' ? "" : ", sasl_username=", c->login);
	return true;
}

bool
front_take_xforward(struct front_state *state)
{
	struct connection *c = &state->connection;
	struct claim claim;

	if (!receive_claim(state, &claim))
		return false;
	if ((claim.given & CLAIM_FRESH) != 0)
		memset(&c->forward, 0, sizeof(c->forward));
	claim_merge(&c->forward, &claim);
	return !state->has_enqueue || front_send_facts(state);
}
