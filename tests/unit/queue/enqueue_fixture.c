/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include "tests/unit/queue/enqueue_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fsutil.h"

static void
set_names(struct fixture *f)
{
	struct settings *s = &f->settings;

	snprintf(f->names[0], sizeof(f->names[0]), "here.test");
	snprintf(f->names[1], sizeof(f->names[1]), "nobody");
	snprintf(f->names[2], sizeof(f->names[2]), "Maildir/");
	snprintf(f->names[3], sizeof(f->names[3]), "+");
	f->domains[0] = f->names[0];
	s->path = s->aliases = s->virtual_aliases = f->empty;
	s->catch_all = s->route_map = f->empty;
	s->hostname = s->origin = f->names[0];
	s->virtual_user = f->names[1];
	s->home_mailbox = f->names[2];
	s->recipient_delimiter = f->names[3];
	s->domains.count = 1;
	s->domains.items = f->domains;
	s->users = f->users;
	s->queue_directory = s->state_directory = s->virtual_home = f->path;
	s->minimum_uid = 1000;
	s->message_size_limit = 1000000;
	s->max_recipients = 3;
	s->maximal_hold_time = 3600;
	s->queue_minimum_free = 1;
	s->strict_sync = true;
	s->mynetworks.count = 1;
	s->mynetworks.items = &f->network;
}

int
enqueue_setup(void **state)
{
	static const char users[] = "alice@here.test * uid=20001 gid=20001\n"
				    "bob@here.test * uid=20002 gid=20002\n";
	struct fixture *f = test_calloc(1, sizeof(*f));
	char bucket[SPOOL_PATH_SIZE];

	snprintf(f->path, sizeof(f->path), "/tmp/test_enqueue.XXXXXX");
	if (mkdtemp(f->path) == NULL)
		return -1;
	snprintf(f->users, sizeof(f->users), "%s/users", f->path);
	if (!network_parse(S("127.0.0.0/8"), &f->network) ||
	    !fs_replace(AT_FDCWD, f->users, slice_of(users), 0600, NULL))
		return -1;
	set_names(f);
	f->tables.spool_fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(f->tables.spool_fd, "queue", 0700) < 0)
		return -1;
	for (unsigned int i = 0; i < SPOOL_BUCKETS; i++) {
		snprintf(bucket, sizeof(bucket), "queue/%02x", i);
		if (mkdirat(f->tables.spool_fd, bucket, 0700) < 0)
			return -1;
	}
	f->tables.resolver = resolver_new(&f->settings);
	f->enqueue = enqueue_new(&f->settings, &f->tables);
	f->facts.magic = INJECT_FACTS_MAGIC;
	f->facts.listener = LISTENER_SMTP;
	(void)netaddr_parse(S("192.0.2.9"), &f->facts.peer);
	message_init(&f->message);
	*state = f;
	return 0;
}

int
enqueue_teardown(void **state)
{
	struct fixture *f = *state;
	int status = remove_folder(f->path);

	message_free(&f->message);
	enqueue_free(&f->enqueue);
	resolver_free(&f->tables.resolver);
	close(f->tables.spool_fd);
	test_free(f);
	return status;
}

/* What was put into message, as enqueue gets it. */
enum enqueue_step
step(struct fixture *f)
{
	enum enqueue_step result;

	(void)message_finish(&f->message);
	f->message.position = PIPEMSG_HEADER_SIZE;
	memset(&f->reply, 0, sizeof(f->reply));
	result = enqueue_step(f->enqueue, &f->message, &f->reply);
	enqueue_replied(f->enqueue);
	return result;
}

unsigned int
mail(struct fixture *f, const char *sender, uint64_t size)
{
	assert_true(enqueue_set_facts(f->enqueue, &f->facts));
	message_begin(&f->message, INJECT_MAIL);
	message_put_string(&f->message, sender);
	message_put_string(&f->message, "client.test");
	message_put_u8(&f->message, 1);
	message_put_u64(&f->message, size);
	message_put_u32(&f->message, f->options.flags);
	message_put_u32(&f->message, (uint32_t)f->options.priority);
	message_put_u64(&f->message, f->options.hold_until);
	message_put_u64(&f->message, f->options.deliver_by);
	message_put_slice(&f->message, f->options.envelope_id);
	assert_int_equal(step(f), ENQUEUE_REPLY);
	return f->reply.code;
}

unsigned int
rcpt(struct fixture *f, const char *recipient)
{
	message_begin(&f->message, INJECT_RCPT);
	message_put_string(&f->message, recipient);
	message_put_u8(&f->message, f->recipient.notify);
	message_put_slice(&f->message, f->recipient.original);
	assert_int_equal(step(f), ENQUEUE_REPLY);
	return f->reply.code;
}

unsigned int
ask(struct fixture *f, enum inject_type type)
{
	message_begin(&f->message, (uint8_t)type);
	assert_int_equal(step(f), ENQUEUE_REPLY);
	return f->reply.code;
}

void
chunk(struct fixture *f, struct slice bytes)
{
	message_begin(&f->message, INJECT_CHUNK);
	message_put_slice(&f->message, bytes);
	assert_int_equal(step(f), ENQUEUE_SILENT);
}

void
abort_transaction(struct fixture *f)
{
	message_begin(&f->message, INJECT_ABORT);
	assert_int_equal(step(f), ENQUEUE_SILENT);
}

/* Send text in pieces of size; the reply to END. */
unsigned int
send_text(struct fixture *f, struct slice text, size_t size)
{
	assert_int_equal(ask(f, INJECT_DATA), 354);
	while (text.len > 0) {
		chunk(f, slice_first(text, size));
		text = slice_from(text, size);
	}
	(void)ask(f, INJECT_END);
	if (f->reply.code == 250)
		snprintf(f->id, sizeof(f->id), "%s",
		    f->reply.text + strlen("Ok: queued as "));
	return f->reply.code;
}

struct slice
read_body(struct fixture *f, struct buf *out)
{
	char path[SPOOL_PATH_SIZE];
	struct spool_message message;
	struct arena *arena = arena_new("test", 1 << 24);
	struct why why = { 0 };
	struct slice body;
	int fd;

	buf_init(out, 4 << 20);
	spool_path(f->id, path);
	fd = openat(f->tables.spool_fd, path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(spool_verify(fd, &why), RESULT_OK);
	assert_int_equal(
	    spool_read(fd, f->id, arena, &message, &why), RESULT_OK);
	assert_true(fs_read_fd(fd, out, &why));
	close(fd);
	body = slice_first(slice_from(buf_slice(out), message.body_offset),
	    message.body_length);
	arena_free(&arena);
	return body;
}

void
become(struct fixture *f, enum who who)
{
	(void)netaddr_parse(
	    who == LOOPBACK ? S("127.0.0.1") : S("192.0.2.9"), &f->facts.peer);
	f->facts.listener = who == DROP ? INJECT_LOCAL : LISTENER_SMTP;
	if (who == LOGGED_IN)
		f->facts.listener = LISTENER_SUBMISSION;
	snprintf(f->facts.login, sizeof(f->facts.login), "%s",
	    who == LOGGED_IN ? "alice@here.test" : "");
}

/* The envelope as qmgr reads it. */
void
read_envelope(
    struct fixture *f, struct arena *arena, struct spool_message *message)
{
	char path[SPOOL_PATH_SIZE];
	struct why why = { 0 };
	int fd;

	memcpy(f->id, strstr(f->reply.text, "queued as ") + 10, sizeof(f->id));
	spool_path(f->id, path);
	fd = openat(f->tables.spool_fd, path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(
	    spool_read(fd, f->id, arena, message, &why), RESULT_OK);
	close(fd);
}
