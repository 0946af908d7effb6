/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "pop3d/mailbox.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fsutil.h"
#include "common/io.h"
#include "common/jail.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/program.h"

#include "pop3d/encode.h"
#include "pop3d/session.h"
#include "pop3d/source.h"

#define INPUT_SIZE   8192
#define READ_SIZE    32768
#define OUTPUT       1
#define SEND_TIMEOUT TIMEOUT_POP3_COMMAND

struct served {
	struct handover handover;
	struct buf tag, unread;
	struct source *source;
	struct pop3_session session;
	size_t sent;
};

static bool
send_out(struct buf *out)
{
	bool ok = out->len == 0 || io_write_all(OUTPUT, buf_slice(out),
				       io_deadline(SEND_TIMEOUT)) == IO_OK;

	buf_clear(out);
	return ok;
}

/* Read, encode and write until the end or until TOP has its lines. */
static bool
send_body(struct served *served, struct buf *out)
{
	char *bytes = alloc_zero(READ_SIZE, 1);
	struct pop3_encoder encoder;
	struct why why = { 0 };
	size_t got = 1;
	bool ok = true;

	pop3_encode_init(&encoder, served->session.body_lines);
	while (ok && got > 0 && !encoder.is_full) {
		ok =
		    source_read(served->source, bytes, READ_SIZE, &got, &why) &&
		    pop3_encode(&encoder, slice_make(bytes, got), out);
		if (ok && out->len >= READ_SIZE)
			ok = send_out(out);
	}
	if (why.text[0] != '\0')
		log_error("%s: %s", served->handover.user.name, why.text);
	alloc_release(bytes);
	return ok && pop3_encode_end(&encoder, out) && send_out(out);
}

static bool
send_message(struct served *served)
{
	struct pop3_session *session = &served->session;
	struct why why = { 0 };
	struct buf out;
	bool ok;

	if (!source_begin(served->source, session->index, &why)) {
		log_warning("%s: message %zu: %s", served->handover.user.name,
		    session->index + 1, why.text);
		return buf_add_string(&session->out,
		    "-ERR [SYS/TEMP] The message cannot be read; another "
		    "session may have deleted it\r\n");
	}
	buf_init(&out, 8 * READ_SIZE);
	buf_add(&out, buf_slice(&session->out));
	buf_clear(&session->out);
	buf_add_format(&out, "+OK %llu octets\r\n",
	    (unsigned long long)session->messages[session->index].size);
	ok = send_body(served, &out);
	source_end(served->source);
	buf_free(&out);
	served->sent++;
	return ok;
}

static void
update(struct served *served)
{
	struct pop3_session *session = &served->session;
	struct why why = { 0 };
	size_t marked = 0, failed;

	for (size_t i = 0; i < session->count; i++)
		if (session->messages[i].is_deleted)
			marked++;
	failed = source_remove(served->source, &why);
	if (failed > 0)
		log_error("%s: %s", served->handover.user.name, why.text);
	log_info("%s: logout: user=<%s>, retr=%zu, del=%zu/%zu",
	    served->handover.id, served->handover.user.name, served->sent,
	    marked - failed, session->count);
	pop3_session_bye(session, failed);
	(void)send_out(&session->out);
}

/* All that is in input. False: the session is over. */
static bool
take_input(struct served *served, struct slice input)
{
	struct pop3_session *session = &served->session;
	enum pop3_effect effect;

	do {
		effect = pop3_session_feed(session, &input);
		if (effect == SESSION_SEND && !send_message(served))
			return false;
		if (effect == SESSION_UPDATE) {
			update(served);
			return false;
		}
		/* Replies to pipelined commands leave together. */
		if ((input.len == 0 || session->out.len >= INPUT_SIZE ||
			effect == SESSION_CLOSE) &&
		    !send_out(&session->out))
			return false;
		if (effect == SESSION_CLOSE)
			return false;
	} while (input.len > 0 || pop3_session_is_listing(session) ||
		 effect == SESSION_SEND);
	return true;
}

static void
serve(struct served *served)
{
	char bytes[INPUT_SIZE];
	enum io_status status = IO_OK;
	size_t got;

	pop3_session_greet(&served->session);
	if (!send_out(&served->session.out) ||
	    !take_input(served, buf_slice(&served->unread)))
		return;
	while ((status = io_read_some(0, bytes, sizeof(bytes), &got,
		    io_deadline(TIMEOUT_POP3_COMMAND))) == IO_OK)
		if (!take_input(served, slice_make(bytes, got)))
			return;
	log_info("%s: user=<%s>: %s without QUIT, nothing deleted",
	    served->handover.id, served->handover.user.name,
	    io_status_text(status));
}

static bool
prepare_home(const struct user *user, struct why *why)
{
	struct stat status;

	if (stat(user->home, &status) == 0)
		return true;
	if (!user->is_virtual)
		return why_errno(why, "home %s", user->home);
	return fs_make_directories(user->home, 0700, why);
}

/* The directory that holds an mbox, for its lock file. */
static void
mail_directory(const struct user *user, char path[USER_PATH_SIZE])
{
	size_t length = strlen(user->mail);

	memcpy(path, user->mail, length + 1);
	while (length > 1 && path[length - 1] != '/')
		length--;
	path[length] = '\0';
}

static bool
enter_jail(
    const struct settings *settings, const struct user *user, struct why *why)
{
	char mail[USER_PATH_SIZE];
	const char *paths[] = { user->home, mail, NULL };
	const struct jail_request request = { .keep_count = 3,
		.paths = paths,
		.uid = geteuid(),
		.gid = getegid() };
	struct stat status;

	mail_directory(user, mail);
	if (stat(mail, &status) != 0)
		paths[1] = NULL;
	return jail_enter(jail_find("pop3d-mailbox"), settings, &request, why);
}

static bool
open_mailbox(
    struct served *served, const struct settings *settings, struct why *why)
{
	const struct user *user = &served->handover.user;
	struct pop3_message *messages;
	size_t count;

	if (!prepare_home(user, why) || !enter_jail(settings, user, why))
		return false;
	served->source = source_open(user, why);
	if (served->source == NULL)
		return false;
	messages = source_messages(served->source, &count);
	pop3_session_init(&served->session, messages, count, true);
	return true;
}

int
pop3_mailbox_run(const struct settings *settings)
{
	static const struct slice sorry =
	    SLICE("-ERR [SYS/TEMP] The mailbox cannot be opened now\r\n");
	struct served *served = alloc_zero(1, sizeof(*served));
	struct why why = { 0 };
	int code = EX_OK;

	(void)umask(077);
	buf_init(&served->tag, HANDOVER_MAX);
	buf_init(&served->unread, HANDOVER_MAX);
	if (!handover_receive(MAILBOX_HANDOVER, &served->handover, &served->tag,
		&served->unread, &why)) {
		log_error("%s", why.text);
		code = EX_PROTOCOL;
	} else if (!open_mailbox(served, settings, &why)) {
		log_error("%s: user=<%s>: %s", served->handover.id,
		    served->handover.user.name, why.text);
		(void)io_write_all(OUTPUT, sorry, io_deadline(SEND_TIMEOUT));
		code = EX_TEMPFAIL;
	} else {
		serve(served);
		pop3_session_free(&served->session);
		source_close(&served->source);
	}
	buf_free(&served->tag);
	buf_free(&served->unread);
	alloc_release(served);
	return code;
}
