/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/front_state.h"

#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/jail.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/program.h"
#include "common/proxy.h"

enum proxy_descriptor {
	PROXY_NETWORK = 0,
	PROXY_RESULT = 3, /* to the front: struct proxy_facts, once */
};

/* Byte-exact: what stands behind the header stays in the socket. */
static bool
read_header(struct proxy_header *header, struct why *why)
{
	int64_t deadline = io_deadline(TIMEOUT_PROXY);
	char bytes[LIMIT_PROXY_HEADER];
	enum proxy_status status;
	enum io_status io;
	size_t n = 0, more, got;

	for (;;) {
		status = proxy_parse(slice_make(bytes, n), &more, header, why);
		if (status != PROXY_MORE)
			return status == PROXY_DONE;
		BUG_UNLESS(more <= sizeof(bytes) - n);
		io = io_read_some(
		    PROXY_NETWORK, bytes + n, more, &got, deadline);
		if (io != IO_OK)
			return why_set(why, "%s", io_status_text(io));
		n += got;
	}
}

/* The jailed child: parses what the network says, and has nothing. */
_Noreturn static void
reader_child(const struct front_state *state, const struct program_start *start)
{
	const struct connection *c = &state->connection;
	const struct jail_request request = { .keep_count = PROXY_RESULT + 1 };
	struct proxy_facts facts = { .magic = PROXY_FACTS_MAGIC };
	struct proxy_header header;
	char peer[NETADDR_TEXT_SIZE];
	struct why why = { 0 };

	if (!program_settle(start, &why) ||
	    !jail_enter(jail_find("proxy"), c->settings, &request, &why)) {
		log_error("%s: %s", c->id, why.text);
		_exit(EX_TEMPFAIL);
	}
	if (!read_header(&header, &why)) {
		log_warning("%s: PROXY header from %s: %s", c->id,
		    netaddr_format(&c->peer, peer), why.text);
		_exit(EX_PROTOCOL);
	}
	facts.is_local = header.is_local;
	facts.source = header.source;
	facts.destination = header.destination;
	_exit(io_write_all(PROXY_RESULT, slice_make(&facts, sizeof(facts)),
		  io_deadline(TIMEOUT_PIPE)) == IO_OK
		  ? EX_OK
		  : EX_TEMPFAIL);
}

static bool
ask_reader(const struct front_state *state, struct proxy_facts *facts)
{
	struct program_start start = { .name = state->front->program,
		.descriptors = { 0, -1, -1 },
		.descriptor_count = PROXY_RESULT + 1 };
	int64_t deadline = io_deadline(TIMEOUT_PROXY + TIMEOUT_PIPE);
	int ends[2];
	pid_t pid;
	bool ok;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	start.descriptors[PROXY_RESULT] = ends[1];
	pid = fork();
	if (pid == 0)
		reader_child(state, &start);
	close(ends[1]);
	ok = pid > 0 &&
	     io_read_all(ends[0], facts, sizeof(*facts), deadline) == IO_OK;
	close(ends[0]);
	if (pid > 0)
		front_reap(pid, deadline, "proxy");
	return ok && proxy_facts_are_sane(facts);
}

void
front_set_peer(struct connection *c, const struct netaddr *peer,
    const struct netaddr *local)
{
	c->peer = *peer;
	c->local = *local;
	c->may_auth_in_clear =
	    network_list_contains(&c->settings->cleartext_auth, peer);
}

/*
 * 127.0.0.1 of a proxy on another machine is not this machine's, which may
 * relay and log in in clear: then the connection is the proxy's own.
 */
static bool
is_proxied(const struct connection *c, const struct proxy_facts *facts)
{
	return facts->is_local == 0 &&
	       (netaddr_is_loopback(&c->peer) ||
		   !netaddr_is_loopback(&facts->source));
}

static bool
take_header(struct front_state *state)
{
	struct connection *c = &state->connection;
	char proxy[NETADDR_TEXT_SIZE], peer[NETADDR_TEXT_SIZE];
	struct proxy_facts facts;

	if (!network_list_contains(&c->settings->proxy_networks, &c->peer))
		return true;
	if (!ask_reader(state, &facts)) {
		log_warning("%s: no PROXY header from %s: closed", c->id,
		    netaddr_format(&c->peer, proxy));
		return false;
	}
	if (!is_proxied(c, &facts))
		return true;
	netaddr_format(&c->peer, proxy);
	front_set_peer(c, &facts.source, &facts.destination);
	notice_send(state->resident->notices, NOTICE_PEER, &c->peer);
	log_info("%s: proxied by %s for %s", c->id, proxy,
	    netaddr_format(&c->peer, peer));
	return true;
}

bool
front_take_proxy(struct front_state *state)
{
	if (!take_header(state))
		return false;
	front_set_claim_rights(&state->connection);
	return true;
}
