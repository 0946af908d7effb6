/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/front_state.h"

#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/program.h"
#include "common/verify.h"

int
front_start_verify(struct front_state *state)
{
	const struct connection *c = &state->connection;
	struct program_start start = { .name = "verify",
		.descriptors = { -1, -1, -1 },
		.descriptor_count = VERIFY_ENQUEUE + 1 };
	struct why why;
	int ends[2];

	if (!verify_is_needed(c->settings, (uint32_t)c->listener->kind))
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		log_error("%s: no pipe to verify", c->id);
		return -1;
	}
	start.descriptors[VERIFY_ENQUEUE] = ends[1];
	if (program_spawn(c->settings, &start, &why) < 0)
		log_error("%s: %s", c->id, why.text);
	else
		state->others++;
	close(ends[1]);
	return ends[0];
}
