/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/verify_memory.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/log.h"

static const struct {
	const char *name;
	uint32_t slots;
} kinds[MEMORY_KINDS] = {
	[MEMORY_GREYLIST] = { "greylist", LIMIT_STATE_GREYLIST },
	[MEMORY_GREETINGS] = { "greetings", LIMIT_STATE_GREETINGS },
	[MEMORY_RATES] = { "rates", LIMIT_STATE_RATES },
	[MEMORY_USERS] = { "users", LIMIT_STATE_USERS },
};

struct state_file *
verify_memory_open(struct verify_memory *memory,
    const struct settings *settings, enum verify_memory_kind kind)
{
	struct why why = { 0 };
	char path[4096];

	if (memory->is_tried[kind])
		return memory->files[kind];
	memory->is_tried[kind] = true;
	if ((size_t)snprintf(path, sizeof(path), "%s/verify/%s",
		settings->state_directory, kinds[kind].name) < sizeof(path))
		memory->files[kind] = state_open(path, kinds[kind].slots, &why);
	if (memory->files[kind] == NULL)
		log_error("nothing is remembered of %s: %s", kinds[kind].name,
		    why.text);
	return memory->files[kind];
}

void
verify_memory_close(struct verify_memory *memory)
{
	for (int i = 0; i < MEMORY_KINDS; i++)
		state_close(&memory->files[i]);
	memset(memory, 0, sizeof(*memory));
}

const char *
verify_network_format(const struct netaddr *addr, char text[NETWORK_TEXT_SIZE])
{
	struct netaddr base = *addr;
	char name[NETADDR_TEXT_SIZE];
	size_t kept = addr->family == 6 ? 8 : 3;

	memset(base.bytes + kept, 0, sizeof(base.bytes) - kept);
	snprintf(text, NETWORK_TEXT_SIZE, "%s/%zu", netaddr_format(&base, name),
	    kept * 8);
	return text;
}
