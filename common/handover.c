/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/handover.h"

#include <string.h>

#include "common/buf.h"
#include "common/io.h"
#include "common/limits.h"
#include "common/pipemsg.h"

bool
handover_send(int fd, struct slice tag, struct slice unread)
{
	struct message message;
	bool ok = false;

	message_init(&message);
	message_begin(&message, HANDOVER_LOGIN);
	message_put_slice(&message, tag);
	message_put_slice(&message, unread);
	if (tag.len + unread.len <= HANDOVER_MAX)
		ok = message_send(&message, fd, io_deadline(TIMEOUT_PIPE)) ==
		     IO_OK;
	message_free(&message);
	return ok;
}

static bool
is_terminated(const char *array, size_t size)
{
	return memchr(array, '\0', size) != NULL;
}

/* The front wrote these, but a truncated or foreign file costs nothing. */
static bool
handover_is_sane(const struct handover *h)
{
	return h->magic == HANDOVER_MAGIC &&
	       is_terminated(h->user.name, sizeof(h->user.name)) &&
	       is_terminated(h->user.home, sizeof(h->user.home)) &&
	       is_terminated(h->user.mail, sizeof(h->user.mail)) &&
	       is_terminated(h->id, sizeof(h->id)) &&
	       is_terminated(h->listener, sizeof(h->listener));
}

static bool
handover_receive_login(
    struct message *message, int fd, struct buf *tag, struct buf *unread)
{
	struct slice t, u;

	if (message_receive(message, fd, io_deadline(TIMEOUT_PIPE)) != IO_OK ||
	    message->type != HANDOVER_LOGIN)
		return false;
	message_get_slice(message, &t);
	message_get_slice(message, &u);
	return message_end(message) && t.len + u.len <= HANDOVER_MAX &&
	       buf_add(tag, t) && buf_add(unread, u);
}

bool
handover_receive(int fd, struct handover *handover, struct buf *tag,
    struct buf *unread, struct why *why)
{
	struct message message;
	enum io_status status;
	bool ok;

	status = io_read_all(
	    fd, handover, sizeof(*handover), io_deadline(TIMEOUT_PIPE));
	if (status != IO_OK)
		return why_set(why, "handover: %s", io_status_text(status));
	if (!handover_is_sane(handover))
		return why_set(why, "handover: malformed facts");
	message_init(&message);
	ok = handover_receive_login(&message, fd, tag, unread);
	message_free(&message);
	return ok ? true : why_set(why, "handover: malformed login message");
}
