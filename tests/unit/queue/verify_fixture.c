/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/queue/verify_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/front.h"
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
	s->catch_all = s->route_map = s->access = s->notify = f->empty;
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
	s->queue_minimum_free = 1;
	s->mynetworks.count = 1;
	s->mynetworks.items = &f->network;
}

static bool
make_buckets(const struct fixture *f, const char *parent)
{
	char bucket[64];

	if (mkdirat(f->tables.spool_fd, parent, 0700) < 0)
		return false;
	for (unsigned int i = 0; i < SPOOL_BUCKETS; i++) {
		snprintf(bucket, sizeof(bucket), "%s/%02x", parent, i);
		if (mkdirat(f->tables.spool_fd, bucket, 0700) < 0)
			return false;
	}
	return true;
}

int
play_setup(void **state)
{
	static const char users[] = "alice@here.test * uid=20001 gid=20001\n";
	struct fixture *f = test_calloc(1, sizeof(*f));
	int ends[2];

	snprintf(f->path, sizeof(f->path), "/tmp/test_verify.XXXXXX");
	if (mkdtemp(f->path) == NULL)
		return -1;
	snprintf(f->users, sizeof(f->users), "%s/users", f->path);
	if (!network_parse(S("127.0.0.0/8"), &f->network) ||
	    !fs_replace(AT_FDCWD, f->users, slice_of(users), 0600, NULL) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	set_names(f);
	f->tables.spool_fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!make_buckets(f, "queue") || !make_buckets(f, "why"))
		return -1;
	f->tables.resolver = resolver_new(&f->settings);
	f->enqueue = enqueue_new(&f->settings, &f->tables);
	f->verify = ends[0];
	enqueue_set_verify(f->enqueue, ends[1]);
	f->facts.magic = INJECT_FACTS_MAGIC;
	f->facts.listener = LISTENER_SMTP;
	(void)netaddr_parse(S("192.0.2.9"), &f->facts.peer);
	message_init(&f->message);
	*state = f;
	return 0;
}

int
play_teardown(void **state)
{
	struct fixture *f = *state;
	int status = remove_folder(f->path);

	message_free(&f->message);
	enqueue_free(&f->enqueue);
	resolver_free(&f->tables.resolver);
	close(f->tables.spool_fd);
	if (f->verify >= 0)
		close(f->verify);
	test_free(f);
	return status;
}

/* What verify will say next. It is written before enqueue asks. */
void
play_will_say(struct fixture *f, enum verify_action action, unsigned int code,
    const char *status, const char *text)
{
	struct verify_reply reply = { .action = action, .code = code };
	struct message message;

	snprintf(reply.status, sizeof(reply.status), "%s", status);
	snprintf(reply.text, sizeof(reply.text), "%s", text);
	message_init(&message);
	verify_reply_put(&message, &reply);
	assert_int_equal(
	    message_send(&message, f->verify, io_deadline(5)), IO_OK);
	message_free(&message);
}

void
play_will_pass(struct fixture *f, int times)
{
	for (int i = 0; i < times; i++)
		play_will_say(f, VERIFY_PASS, 0, "", "");
}

/* What enqueue asked next. */
enum verify_type
play_asked(struct fixture *f, struct verify_question *question)
{
	assert_int_equal(
	    message_receive(&f->message, f->verify, io_deadline(5)), IO_OK);
	assert_true(verify_question_get(&f->message, question));
	return question->type;
}

unsigned int
play_step(struct fixture *f)
{
	(void)message_finish(&f->message);
	f->message.position = PIPEMSG_HEADER_SIZE;
	memset(&f->reply, 0, sizeof(f->reply));
	assert_int_not_equal(
	    enqueue_step(f->enqueue, &f->message, &f->reply), ENQUEUE_BROKEN);
	enqueue_replied(f->enqueue);
	return f->reply.code;
}

unsigned int
play_mail(struct fixture *f)
{
	assert_true(enqueue_set_facts(f->enqueue, &f->facts));
	message_begin(&f->message, INJECT_MAIL);
	message_put_string(&f->message, "s@there.test");
	message_put_string(&f->message, "client.test");
	message_put_u8(&f->message, 1);
	message_put_u64(&f->message, 0);
	message_put_u32(&f->message, 0);
	message_put_u32(&f->message, 0);
	message_put_u64(&f->message, 0);
	message_put_u64(&f->message, 0);
	message_put_string(&f->message, "");
	return play_step(f);
}

unsigned int
play_rcpt(struct fixture *f, const char *recipient)
{
	message_begin(&f->message, INJECT_RCPT);
	message_put_string(&f->message, recipient);
	message_put_u8(&f->message, 0);
	message_put_string(&f->message, "");
	return play_step(f);
}

unsigned int
play_simple(struct fixture *f, enum inject_type type)
{
	message_begin(&f->message, (uint8_t)type);
	return play_step(f);
}

void
play_chunk(struct fixture *f, const char *text)
{
	message_begin(&f->message, INJECT_CHUNK);
	message_put_string(&f->message, text);
	(void)play_step(f);
}

unsigned int
play_greet(struct fixture *f, enum verify_early early)
{
	assert_true(enqueue_set_facts(f->enqueue, &f->facts));
	message_begin(&f->message, INJECT_GREET);
	message_put_u8(&f->message, (uint8_t)early);
	return play_step(f);
}

/* The message that is queued; false: none is. */
bool
play_read_queued(struct fixture *f, struct arena *arena,
    struct spool_message *out, struct buf *file)
{
	const char *text = "Ok: queued as ";
	char path[SPOOL_PATH_SIZE];
	const char *id = f->reply.text + strlen(text);
	bool ok;
	int fd;

	if (strncmp(f->reply.text, text, strlen(text)) != 0)
		return false;
	spool_path(id, path);
	fd = openat(f->tables.spool_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = spool_verify(fd, NULL) == RESULT_OK &&
	     spool_read(fd, id, arena, out, NULL) == RESULT_OK &&
	     fs_read_fd(fd, file, NULL);
	close(fd);
	return ok;
}

size_t
play_count_queued(const struct fixture *f)
{
	char path[128];
	struct dirent *entry;
	size_t count = 0;

	for (unsigned int i = 0; i < SPOOL_BUCKETS; i++) {
		snprintf(path, sizeof(path), "%s/queue/%02x", f->path, i);
		DIR *directory = opendir(path);

		assert_non_null(directory);
		while ((entry = readdir(directory)) != NULL)
			count += entry->d_name[0] != '.';
		closedir(directory);
	}
	return count;
}

void
play_say_change(struct fixture *f, enum verify_edit kind, uint32_t index,
    const char *name, const char *value)
{
	struct verify_change change = { kind, index, slice_of(name),
		slice_of(value) };
	struct message message;

	message_init(&message);
	verify_change_put(&message, &change);
	assert_int_equal(
	    message_send(&message, f->verify, io_deadline(5)), IO_OK);
	message_free(&message);
}

void
play_again(struct fixture *f)
{
	int ends[2];

	close(f->verify);
	enqueue_free(&f->enqueue);
	f->enqueue = enqueue_new(&f->settings, &f->tables);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	f->verify = ends[0];
	enqueue_set_verify(f->enqueue, ends[1]);
}
