/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
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
#include "common/passing.h"
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

/* Table NULL: no such setting. */
static bool
open_table(const char *path, struct table **table, struct why *why)
{
	*table = NULL;
	if (path != NULL && path[0] != '\0')
		*table = table_open(path, TABLE_KEY_VALUE, NULL, why);
	return *table != NULL || path == NULL || path[0] == '\0';
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
	/* Without one of them more would be let in than was meant. */
	if (!open_table(settings->route_map, &opened->tables.routes, why) ||
	    !open_table(settings->senders, &opened->tables.senders, why) ||
	    !open_table(settings->access, &opened->tables.access, why))
		return false;
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
	table_close(&opened->tables.senders);
	table_close(&opened->tables.access);
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

/* The process for many sessions, one after the other. */
struct service {
	struct enqueue *enqueue;
	struct inject_facts facts; /* the newest */
	int session;               /* the one at work, or -1 */
	int next;                  /* one that waits for its turn, or -1 */
	int verify;                /* its verify, or -1 */
	bool is_for_one;           /* the next one may find better tables */
	struct message message;
	struct buf input;
};

/* The session that these facts begin takes the place of the one before. */
static void
keep_session(struct service *service, const int *descriptors)
{
	if (service->next >= 0)
		close(service->next);
	if (service->verify >= 0)
		close(service->verify);
	service->next = descriptors[INJECT_SESSION];
	service->verify = descriptors[INJECT_VERIFY];
	for (size_t i = INJECT_VERIFY + 1; i < PASSING_MAX; i++)
		if (descriptors[i] >= 0)
			close(descriptors[i]);
}

/* All facts that are there; the last ones hold. A new session's are not for
 * the one at work: is_over says that it is gone, whatever it left behind. */
static bool
read_facts(struct service *service, bool *is_over)
{
	int descriptors[PASSING_MAX];

	*is_over = false;
	while (io_wait_readable(ENQUEUE_FACTS, io_now()) == IO_OK) {
		if (passing_receive(ENQUEUE_FACTS, &service->facts,
			sizeof(service->facts), descriptors,
			io_deadline(TIMEOUT_PIPE)) != IO_OK) {
			*is_over = true;
			return true;
		}
		if (descriptors[INJECT_SESSION] >= 0) {
			keep_session(service, descriptors);
			*is_over = true;
			return true;
		}
		if (!enqueue_set_facts(service->enqueue, &service->facts))
			return false;
	}
	return true;
}

static bool
send_reply(const struct service *service, const struct inject_reply *reply)
{
	struct message message;
	bool ok;

	message_init(&message);
	message_begin(&message, INJECT_REPLY);
	message_put_u32(&message, reply->code);
	message_put_string(&message, reply->status);
	message_put_string(&message, reply->text);
	ok = message_send(&message, service->session,
		 io_deadline(TIMEOUT_PIPE)) == IO_OK;
	message_free(&message);
	return ok;
}

static bool
send_members(const struct service *service)
{
	struct message message;
	bool ok;

	message_init(&message);
	message_begin(&message, INJECT_MEMBERS);
	message_put_slice(&message, enqueue_members(service->enqueue));
	ok = message_send(&message, service->session,
		 io_deadline(TIMEOUT_PIPE)) == IO_OK;
	message_free(&message);
	return ok;
}

/* One message of the session; false ends the program. */
static bool
handle(struct service *service, bool *is_over)
{
	struct message *message = &service->message;
	struct inject_reply reply = { 0 };
	bool ok;

	if (message->type == INJECT_MAIL || message->type == INJECT_ETRN) {
		if (!read_facts(service, is_over)) {
			log_error("the front sent no proper facts");
			return false;
		}
		if (*is_over)
			return true;
	}
	switch (enqueue_step(service->enqueue, message, &reply)) {
	case ENQUEUE_SILENT:
		return true;
	case ENQUEUE_REPLY:
		ok = (message->type != INJECT_EXPN || send_members(service)) &&
		     send_reply(service, &reply);
		enqueue_replied(service->enqueue);
		return ok;
	case ENQUEUE_BROKEN:
		break;
	}
	log_warning("the session broke the protocol (message %u)",
	    (unsigned int)message->type);
	return false;
}

/* One session, to its end. */
static int
serve(struct service *service)
{
	struct buf *input = &service->input;
	enum io_status status = IO_OK;
	bool ok = true, is_over = false;
	size_t got;
	char *room;

	buf_clear(input);
	while (ok && !is_over && status == IO_OK) {
		room = buf_reserve(input, INPUT_MAX - input->len);
		if (room == NULL)
			break;
		status = io_read_some(service->session, room,
		    INPUT_MAX - input->len, &got, io_deadline(IDLE_SECONDS));
		buf_commit(input, got);
		while (ok && !is_over &&
		       message_take(&service->message, input, &ok) && ok)
			ok = handle(service, &is_over);
	}
	return ok && status != IO_ERROR ? EX_OK : EX_PROTOCOL;
}

/* Wait for the facts that begin a session; others are of one that is gone. */
static enum io_status
next_session(struct service *service, int64_t deadline)
{
	int descriptors[PASSING_MAX];
	enum io_status status;

	while (service->next < 0) {
		status = passing_receive(ENQUEUE_FACTS, &service->facts,
		    sizeof(service->facts), descriptors, deadline);
		if (status != IO_OK)
			return status;
		keep_session(service, descriptors);
	}
	service->session = service->next;
	service->next = -1;
	enqueue_set_verify(service->enqueue, service->verify);
	service->verify = -1;
	if (enqueue_set_facts(service->enqueue, &service->facts))
		return IO_OK;
	errno = EPROTO;
	return IO_ERROR;
}

static void
end_session(struct service *service)
{
	enqueue_forget(service->enqueue);
	if (service->session >= 0)
		close(service->session);
	service->session = -1;
}

/* A session that broke the protocol is the last: who knows what it did. */
static int
serve_sessions(struct service *service)
{
	enum io_status status =
	    next_session(service, io_deadline(TIMEOUT_PIPE));
	int code = EX_OK;

	if (status != IO_OK) {
		log_error(
		    "no facts from the front: %s", io_status_text(status));
		return EX_NOPERM;
	}
	while (code == EX_OK && status == IO_OK) {
		code = serve(service);
		end_session(service);
		if (service->is_for_one)
			break;
		if (code == EX_OK)
			status = next_session(service, IO_FOREVER);
	}
	if (status == IO_ERROR)
		log_error("no proper facts from the front");
	return code == EX_OK && status == IO_ERROR ? EX_NOPERM : code;
}

/* The buffers are the process's: a session costs no memory of its own. */
static int
serve_all(struct enqueue *enqueue, bool is_for_one)
{
	struct service service = { .enqueue = enqueue,
		.session = -1,
		.next = -1,
		.verify = -1,
		.is_for_one = is_for_one };
	int code;

	message_init(&service.message);
	buf_init(&service.input, INPUT_MAX);
	code = serve_sessions(&service);
	message_free(&service.message);
	buf_free(&service.input);
	return code;
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
		status = serve_all(
		    enqueue, resolver_has_failed(opened.tables.resolver));
	} else {
		log_error("%s", why.text);
	}
	enqueue_free(&enqueue);
	close_all(&opened);
	return status;
}
