/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stddef.h>
#include <stdint.h>

#include "common/result.h"

#include "queue/command.h"
#include "queue/reason.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines of the control FIFO, and of a file in why/. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make(data, size), line;
	struct command command;
	struct reason reason;
	size_t index;

	while (slice_cut(rest, '\n', &line, &rest)) {
		if (command_parse(line, &command) &&
		    command.object == COMMAND_ID)
			BUG_UNLESS(spool_id_is_valid(slice_of(command.id)));
		(void)reason_parse(line, &index, &reason);
	}
	return 0;
}
