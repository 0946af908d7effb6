/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/front.h"
#include "common/io.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/net_connect.h"
#include "common/verify_syntax.h"

#include "smtpd/policy_protocol.h"
#include "smtpd/verify_modules.h"

/* Servers of Postfix's policy protocol. A connection is kept for the next
 * question; one that the server has closed meanwhile is made once more. */

struct policy_state {
	size_t count;
	int *fds; /* by server; -1 none */
	unsigned int messages;
};

static bool
is_wanted(const struct settings *settings)
{
	return settings->policy_servers.count > 0;
}

static void *
open_state(const struct settings *settings, struct why *why)
{
	struct policy_state *state = alloc_zero(1, sizeof(*state));

	(void)why;
	state->count = settings->policy_servers.count;
	state->fds = alloc_zero(state->count, sizeof(*state->fds));
	for (size_t i = 0; i < state->count; i++)
		state->fds[i] = -1;
	return state;
}

static void
close_state(void *context)
{
	struct policy_state *state = context;

	for (size_t i = 0; i < state->count; i++)
		if (state->fds[i] >= 0)
			close(state->fds[i]);
	alloc_release(state->fds);
	alloc_release(state);
}

/* A literal address, a name of /etc/hosts, or one of the DNS. */
static bool
find_address(struct verify *verify, struct slice host, struct netaddr *addr)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA };
	const struct dns_answer *answer;

	if (netaddr_parse(host, addr))
		return true;
	for (size_t i = 0; i < 2; i++)
		if (hosts_find(buf_slice(&verify->dns.hosts), host, types[i],
			addr, 1) > 0)
			return true;
	for (size_t i = 0; i < 2; i++) {
		answer = dns_find(&verify->dns, host, types[i]);
		if (answer->status != DNS_OK)
			continue;
		*addr = answer->records[0].addr;
		return true;
	}
	return false;
}

static int
connect_server(struct verify *verify, const char *text, int64_t deadline)
{
	struct policy_server server;
	struct netaddr addr;

	if (!policy_server_parse(slice_of(text), &server, NULL))
		return -1;
	if (server.is_unix)
		return net_connect_unix(server.host, deadline);
	if (!find_address(verify, server.host, &addr))
		return -1;
	addr.port = server.port;
	return net_connect(&addr, SOCK_STREAM, deadline);
}

static bool
exchange(
    int fd, struct slice request, struct policy_reply *reply, int64_t deadline)
{
	char bytes[LIMIT_POLICY_REPLY];
	size_t used = 0, got;

	if (io_write_all(fd, request, deadline) != IO_OK)
		return false;
	while (used < sizeof(bytes)) {
		if (io_read_some(fd, bytes + used, sizeof(bytes) - used, &got,
			deadline) != IO_OK)
			return false;
		used += got;
		if (policy_reply_parse(slice_make(bytes, used), reply))
			return true;
	}
	return false;
}

/* Ask server i; false: there is no answer. */
static bool
ask_server(struct verify *verify, struct policy_state *state, size_t i,
    struct slice request, struct policy_reply *reply)
{
	const char *text = verify->settings->policy_servers.items[i];
	int64_t deadline =
	    io_now() + (int64_t)verify->settings->policy_timeout * 1000;
	bool was_open = state->fds[i] >= 0;

	for (int tries = was_open ? 2 : 1; tries > 0; tries--) {
		if (state->fds[i] < 0)
			state->fds[i] = connect_server(verify, text, deadline);
		if (state->fds[i] < 0)
			break;
		if (exchange(state->fds[i], request, reply, deadline))
			return true;
		close(state->fds[i]);
		state->fds[i] = -1;
	}
	log_warning(
	    "%s: policy server %s does not answer", verify->facts.id, text);
	return false;
}

static void
format_request(const struct verify *verify, const struct policy_state *state,
    struct slice recipient, struct buf *out)
{
	char peer[NETADDR_TEXT_SIZE], instance[48];
	const struct policy_request request = { .state = "RCPT",
		.is_esmtp = verify->is_esmtp,
		.helo = verify->helo,
		.sender = verify->sender,
		.recipient = recipient,
		.login = verify->login,
		.client_address = netaddr_format(&verify->facts.peer, peer),
		.client_name =
		    verify->client[0] == '\0' ? "unknown" : verify->client,
		.client_port = verify->facts.peer.port,
		.instance = instance,
		.size = verify->size,
		.tls_version = verify->facts.tls_version,
		.tls_cipher = verify->facts.tls_cipher };

	snprintf(instance, sizeof(instance), "%s.%u", verify->facts.id,
	    state->messages);
	policy_request_format(&request, out);
}

static void
fail(const struct verify *verify, struct verify_reply *reply)
{
	if (verify->settings->policy_failure == POLICY_FAILURE_ACCEPT)
		return;
	verify_refuse(reply, 451, "4.3.5",
	    "a policy server of this host does not answer, try again later");
}

/* True: the next server is asked too. */
static bool
apply(struct verify *verify, const struct policy_reply *from, bool *soften,
    struct verify_reply *reply)
{
	unsigned int code = from->code;

	switch (from->action) {
	case POLICY_DUNNO:
		if (from->text[0] != '\0')
			log_info(
			    "%s: policy: %s", verify->facts.id, from->text);
		return true;
	case POLICY_OK:
		return false;
	case POLICY_REFUSE:
		if (*soften && code >= 500)
			verify_refuse(reply, 450, "4.7.1", "%s", from->text);
		else
			verify_refuse(
			    reply, code, from->status, "%s", from->text);
		return false;
	case POLICY_DEFER_IF_REJECT:
		*soften = true;
		return true;
	case POLICY_HOLD:
		verify_hold(reply, "policy server: %s", from->text);
		return true;
	case POLICY_DISCARD:
		reply->action = VERIFY_DROP;
		return false;
	case POLICY_PREPEND:
		(void)verify_put_field(
		    verify, slice_of(from->name), slice_of(from->text));
		return true;
	case POLICY_UNKNOWN:
		log_warning("%s: policy: action \"%s\" is not understood",
		    verify->facts.id, from->text);
		break;
	}
	fail(verify, reply);
	return reply->action == VERIFY_PASS;
}

static void
ask_rcpt(struct verify *verify, struct policy_state *state,
    struct slice recipient, struct verify_reply *reply)
{
	struct policy_reply answer;
	bool soften = false, goes_on = true;
	struct buf request;

	buf_init(&request, LIMIT_PIPE_CHUNK);
	format_request(verify, state, recipient, &request);
	for (size_t i = 0; i < state->count && goes_on; i++) {
		if (ask_server(verify, state, i, buf_slice(&request), &answer))
			goes_on = apply(verify, &answer, &soften, reply);
		else
			fail(verify, reply);
		goes_on = goes_on && reply->action != VERIFY_REFUSE;
	}
	buf_free(&request);
}

static void
ask(struct verify *verify, void *context,
    const struct verify_question *question, struct verify_reply *reply)
{
	struct policy_state *state = context;

	if (question->type == VERIFY_MAIL)
		state->messages++;
	else if (!question->is_exempt && !verify->is_trusted &&
		 verify->facts.listener == LISTENER_SMTP)
		ask_rcpt(verify, state, question->recipient, reply);
}

const struct verify_module verify_policy_module = {
	.name = "policy servers",
	.asks = VERIFY_ASKS(VERIFY_MAIL) | VERIFY_ASKS(VERIFY_RCPT),
	.is_wanted = is_wanted,
	.open = open_state,
	.close = close_state,
	.ask = ask,
};
