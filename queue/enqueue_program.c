/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/fsutil.h"
#include "common/io.h"
#include "common/jail.h"
#include "common/log.h"
#include "common/spooldir.h"

#include "queue/enqueue.h"
#include "queue/enqueue_policy.h"

/* Longer than a session may be silent: the session ends first. */
enum {
	IDLE_SECONDS = TIMEOUT_SMTP_COMMAND + 2 * TIMEOUT_PIPE,
	INPUT_MAX = LIMIT_PIPE_MESSAGE + PIPEMSG_HEADER_SIZE
};

/* What was opened before the jail, all below the first free descriptor. */
struct opened {
	struct enqueue_tables tables;
	int count;
};

/* Does the name service ask others than files for accounts? */
static bool
has_foreign_accounts(void)
{
	static const struct slice own[] = { SLICE("files"), SLICE("compat"),
		SLICE("systemd") };
	struct slice rest, line, name;
	bool is_foreign = false, is_own;
	struct buf text;

	buf_init(&text, 65536);
	(void)fs_read_file(AT_FDCWD, "/etc/nsswitch.conf", &text, NULL);
	rest = buf_slice(&text);
	while (rest.len > 0) {
		slice_cut(rest, '\n', &line, &rest);
		if (!slice_starts(slice_trim(line), S("passwd:")))
			continue;
		line = slice_from(line, slice_index(line, ':') + 1);
		while (slice_token(&line, S(" \t"), &name)) {
			is_own = name.ptr[0] == '[';
			for (size_t i = 0; i < sizeof(own) / sizeof(own[0]);
			     i++)
				is_own |= slice_eq(name, own[i]);
			is_foreign |= !is_own;
		}
	}
	buf_free(&text);
	return is_foreign;
}

/*
 * Tables are opened with the rights we were started with: root's own text,
 * and caches that only root may make. A name service of directories loads what
 * it needs now, since nothing can be loaded in the jail; where accounts are
 * files this would be the dearest part of the start.
 */
static bool
open_all(
    const struct settings *settings, struct opened *opened, struct why *why)
{
	struct user nobody;

	if (settings->system_users && has_foreign_accounts())
		(void)users_find_login(
		    settings, S("no.such.user"), &nobody, NULL);
	opened->tables.spool_fd = spool_open(settings, why);
	if (opened->tables.spool_fd < 0)
		return false;
	opened->tables.resolver = resolver_new(settings);
	opened->tables.routes = NULL;
	if (settings->route_map[0] != '\0')
		opened->tables.routes =
		    table_open(settings->route_map, TABLE_KEY_VALUE, NULL, why);
	opened->count = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (opened->count < 0)
		return why_errno(why, "/dev/null");
	close(opened->count);
	return true;
}

static void
close_all(struct opened *opened)
{
	resolver_free(&opened->tables.resolver);
	table_close(&opened->tables.routes);
	if (opened->tables.spool_fd >= 0)
		close(opened->tables.spool_fd);
}

/* No chroot: includes and users are looked up by name. */
static bool
enter(const struct settings *settings, const struct opened *opened,
    struct why *why)
{
	const char *const writable[] = { settings->queue_directory, NULL };
	const char *const readable[] = { "/", NULL };
	const struct jail_request request = { .keep_count = opened->count,
		.paths = writable,
		.read_paths = readable };

	return jail_enter(jail_find("enqueue"), settings, &request, why);
}

/* All facts that are there; the last ones hold. wait: for the first. */
static bool
read_facts(struct enqueue *enqueue, bool wait)
{
	struct inject_facts facts;
	int64_t deadline = wait ? io_deadline(TIMEOUT_PIPE) : io_now();

	while (io_wait_readable(ENQUEUE_FACTS, deadline) == IO_OK) {
		if (io_read_all(ENQUEUE_FACTS, &facts, sizeof(facts),
			io_deadline(TIMEOUT_PIPE)) != IO_OK)
			return !wait;
		if (!enqueue_set_facts(enqueue, &facts))
			return false;
		wait = false;
		deadline = io_now();
	}
	return !wait;
}

static bool
send_reply(const struct inject_reply *reply)
{
	struct message message;
	bool ok;

	message_init(&message);
	message_begin(&message, INJECT_REPLY);
	message_put_u32(&message, reply->code);
	message_put_string(&message, reply->status);
	message_put_string(&message, reply->text);
	ok = message_send(
		 &message, ENQUEUE_SESSION, io_deadline(TIMEOUT_PIPE)) == IO_OK;
	message_free(&message);
	return ok;
}

/* One message of the session; false ends the program. */
static bool
handle(struct enqueue *enqueue, struct message *message)
{
	struct inject_reply reply = { 0 };
	bool ok;

	if (message->type == INJECT_MAIL && !read_facts(enqueue, false)) {
		log_error("the front sent no proper facts");
		return false;
	}
	switch (enqueue_step(enqueue, message, &reply)) {
	case ENQUEUE_SILENT:
		return true;
	case ENQUEUE_REPLY:
		ok = send_reply(&reply);
		enqueue_replied(enqueue);
		return ok;
	case ENQUEUE_BROKEN:
		break;
	}
	log_warning("the session broke the protocol (message %u)",
	    (unsigned int)message->type);
	return false;
}

static int
serve(struct enqueue *enqueue)
{
	enum io_status status = IO_OK;
	struct message message;
	struct buf input;
	bool ok = true;
	size_t got;
	char *room;

	message_init(&message);
	buf_init(&input, INPUT_MAX);
	while (ok && status == IO_OK) {
		room = buf_reserve(&input, INPUT_MAX - input.len);
		if (room == NULL)
			break;
		status = io_read_some(ENQUEUE_SESSION, room,
		    INPUT_MAX - input.len, &got, io_deadline(IDLE_SECONDS));
		buf_commit(&input, got);
		while (ok && message_take(&message, &input, &ok))
			ok = handle(enqueue, &message);
	}
	message_free(&message);
	buf_free(&input);
	return ok && status != IO_ERROR ? EX_OK : EX_PROTOCOL;
}

int
enqueue_program(const struct settings *settings, int argc, char *const argv[])
{
	struct opened opened = { .tables = { .spool_fd = -1 } };
	struct enqueue *enqueue = NULL;
	struct why why = { 0 };
	int status = EX_TEMPFAIL;

	(void)argc;
	(void)argv;
	log_rename("enqueue");
	(void)sigaction(
	    SIGPIPE, &(const struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	if (open_all(settings, &opened, &why) &&
	    enter(settings, &opened, &why)) {
		enqueue = enqueue_new(settings, &opened.tables);
		status = EX_NOPERM;
		if (read_facts(enqueue, true))
			status = serve(enqueue);
	} else {
		log_error("%s", why.text);
	}
	enqueue_free(&enqueue);
	close_all(&opened);
	return status;
}
