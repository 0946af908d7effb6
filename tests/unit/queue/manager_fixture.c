/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include "tests/unit/queue/manager_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/fsutil.h"

static const char body[] = "From: a@here.test\r\nSubject: hello\r\n\r\nHi.\r\n";

void
write_file(const struct manager_fixture *f, const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_true(fs_write_all(fd, slice_of(text), NULL));
	close(fd);
}

static void
make_spool(struct manager_fixture *f)
{
	static const char *const parents[] = { "queue", "why", "bad" };
	char name[32];

	f->spool_fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->spool_fd >= 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(mkdirat(f->spool_fd, parents[i], 0700), 0);
		for (unsigned int j = 0; i < 2 && j < SPOOL_BUCKETS; j++) {
			snprintf(name, sizeof(name), "%s/%02x", parents[i], j);
			assert_int_equal(mkdirat(f->spool_fd, name, 0700), 0);
		}
	}
}

static void
load_settings(struct manager_fixture *f)
{
	struct settings_errors errors;
	char text[1024], path[128];

	snprintf(text, sizeof(text),
	    "hostname = here.test\ndomains = here.test\nusers = %s/users\n"
	    "aliases = %s/aliases\nvirtual_aliases = %s/none\n"
	    "route_map = %s/routes\nrelay_map = %s/relays\n"
	    "system_users = no\nvirtual_user = nobody\nstate_directory = %s\n"
	    "delay_warning_time = 4h\ndestination_map = %s/destinations\n",
	    f->path, f->path, f->path, f->path, f->path, f->path, f->path);
	write_file(f, "mail.conf", text);
	write_file(f, "users",
	    "alice@here.test * uid=20001 gid=20001 home=/h/a mail=/h/a/M/\n"
	    "bob@here.test * uid=20002 gid=20002 home=/h/b mail=/h/b/M/\n");
	write_file(f, "aliases", "postmaster: bob\n");
	write_file(f, "routes", "far.test [192.0.2.7]:2525\n");
	write_file(f, "relays", "[192.0.2.7]:2525 me:secret\n");
	snprintf(path, sizeof(path), "%s/mail.conf", f->path);
	f->settings = settings_load(path, "qmgr", &errors);
	assert_int_equal(errors.count, 0);
	settings_errors_free(&errors);
}

static void
start_manager(struct manager_fixture *f)
{
	int ends[2];

	manager_init(&f->manager, f->settings, f->spool_fd);
	for (int i = 0; i < SPAWNERS; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		f->manager.spawners[i] = ends[0];
		f->spawners[i] = ends[1];
	}
	assert_int_equal(pipe(ends), 0);
	f->manager.control_fd = ends[0];
	f->control_fd = ends[1];
}

static void
stop_manager(struct manager_fixture *f)
{
	for (int i = 0; i < SPAWNERS; i++) {
		close(f->manager.spawners[i]);
		close(f->spawners[i]);
	}
	close(f->manager.control_fd);
	close(f->control_fd);
	manager_clear(&f->manager);
}

int
manager_setup(void **state)
{
	struct manager_fixture *f = test_calloc(1, sizeof(*f));

	snprintf(f->path, sizeof(f->path), "/tmp/test_manager.XXXXXX");
	if (mkdtemp(f->path) == NULL)
		return -1;
	f->arena = arena_new("test", 1 << 24);
	make_spool(f);
	load_settings(f);
	start_manager(f);
	*state = f;
	return 0;
}

int
manager_teardown(void **state)
{
	struct manager_fixture *f = *state;

	stop_manager(f);
	settings_free(&f->settings);
	arena_free(&f->arena);
	close(f->spool_fd);
	(void)remove_folder(f->path);
	test_free(f);
	return 0;
}

void
manager_restart(struct manager_fixture *f)
{
	stop_manager(f);
	start_manager(f);
}

static void
fill_recipient(struct spool_recipient *recipient, const char *address)
{
	struct slice text = slice_of(address);

	memset(recipient, 0, sizeof(*recipient));
	recipient->status = RECIPIENT_TODO;
	recipient->kind = TARGET_REMOTE;
	recipient->address = text;
	recipient->original = text;
	if (!slice_ends(text, S("@here.test")))
		return;
	recipient->kind = TARGET_MAILBOX;
	slice_to_array(
	    text, recipient->user.name, sizeof(recipient->user.name));
}

void
put_message(struct manager_fixture *f, const char *sender,
    const char *const *recipients)
{
	struct spool_recipient *slots =
	    test_calloc(MAX_RECIPIENTS, sizeof(*slots));
	struct spool_message message = { .created = (uint64_t)time(NULL),
		.sender = slice_of(sender),
		.options = f->mail,
		.recipients = slots };
	struct why why = { 0 };
	struct spool_writer *writer = spool_writer_open(f->spool_fd, &why);

	for (; recipients[message.recipient_count] != NULL;
	     message.recipient_count++) {
		struct spool_recipient *slot = &slots[message.recipient_count];

		fill_recipient(slot, recipients[message.recipient_count]);
		slot->options = f->rcpt;
		if (f->alias != NULL)
			slot->original = slice_of(f->alias);
	}
	assert_non_null(writer);
	assert_true(spool_writer_envelope(writer, &message, &why));
	assert_true(spool_writer_body(writer, slice_of(body), &why));
	assert_true(spool_writer_commit(writer, NULL, f->id, &why));
	spool_writer_close(&writer);
	test_free(slots);
	manager_add(&f->manager, f->id, false);
}

void
step(struct manager_fixture *f)
{
	assert_true(manager_step(&f->manager, 10));
}

void
step_until_idle(struct manager_fixture *f)
{
	int64_t end = io_now() + WAIT_MS;

	while (f->manager.active_count > 0 && io_now() < end)
		step(f);
	assert_int_equal(f->manager.active_count, 0);
}

static bool
is_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) > 0;
}

static void
step_until_readable(struct manager_fixture *f, int fd)
{
	int64_t end = io_now() + WAIT_MS;

	while (!is_readable(fd) && io_now() < end)
		step(f);
	assert_true(is_readable(fd));
}

bool
is_agent_asked_for(struct manager_fixture *f, enum spawner kind)
{
	for (int i = 0; i < 5; i++)
		step(f);
	return is_readable(f->spawners[kind]);
}

void
expect_agent(
    struct manager_fixture *f, enum spawner kind, struct agent_end *agent)
{
	memset(agent, 0, sizeof(*agent));
	agent->spool_fd = -1;
	message_init(&agent->message);
	step_until_readable(f, f->spawners[kind]);
	assert_int_equal(message_receive_fd(&agent->message, f->spawners[kind],
			     &agent->fd, io_deadline(1)),
	    IO_OK);
	assert_int_equal(agent->message.type, SPAWN_AGENT);
	assert_true(agent->fd >= 0);
}

void
expect_job(struct manager_fixture *f, struct agent_end *agent)
{
	if (agent->spool_fd >= 0)
		close(agent->spool_fd);
	step_until_readable(f, agent->fd);
	assert_int_equal(message_receive_fd(&agent->message, agent->fd,
			     &agent->spool_fd, io_deadline(1)),
	    IO_OK);
	assert_true(job_decode(&agent->message, f->arena, &agent->job));
	assert_true(agent->spool_fd >= 0);
}

void
expect_sync(struct manager_fixture *f, struct agent_end *agent)
{
	struct slice mail;

	step_until_readable(f, agent->fd);
	assert_int_equal(
	    message_receive(&agent->message, agent->fd, io_deadline(1)), IO_OK);
	assert_int_equal(agent->message.type, SYNC);
	assert_true(message_get_slice(&agent->message, &mail));
	assert_true(slice_starts(mail, S("/h/")));
}

static void
send_now(struct agent_end *agent)
{
	assert_int_equal(
	    message_send(&agent->message, agent->fd, io_deadline(1)), IO_OK);
}

void
answer(struct agent_end *agent, uint32_t index, char status, const char *code,
    const char *text)
{
	struct verdict verdict = {
		.index = index, .status = status, .flags = agent->verdict_flags
	};

	snprintf(verdict.code, sizeof(verdict.code), "%s", code);
	snprintf(verdict.remote, sizeof(verdict.remote), "%s", "local");
	snprintf(verdict.text, sizeof(verdict.text), "%s", text);
	verdict_encode(&agent->message, &verdict);
	send_now(agent);
}

void
answer_done(struct agent_end *agent, uint64_t device)
{
	struct job_done done = { .may_continue = true, .device = device };

	job_done_encode(&agent->message, &done);
	send_now(agent);
}

void
answer_synced(struct agent_end *agent, bool ok)
{
	message_begin(&agent->message, SYNCED);
	message_put_u8(&agent->message, ok);
	send_now(agent);
}

void
agent_end_close(struct agent_end *agent)
{
	close(agent->fd);
	if (agent->spool_fd >= 0)
		close(agent->spool_fd);
	message_free(&agent->message);
}

void
say(struct manager_fixture *f, const char *line)
{
	assert_int_equal(
	    write(f->control_fd, line, strlen(line)), (ssize_t)strlen(line));
	step(f);
}

bool
is_queued(struct manager_fixture *f, const char *id)
{
	char path[SPOOL_PATH_SIZE];

	spool_path(id, path);
	return faccessat(f->spool_fd, path, F_OK, 0) == 0;
}

void
expect_removed(struct manager_fixture *f, const char *id)
{
	int64_t end = io_now() + WAIT_MS;

	while (is_queued(f, id) && io_now() < end)
		step(f);
	assert_false(is_queued(f, id));
}

void
read_back(
    struct manager_fixture *f, const char *id, struct spool_message *message)
{
	char path[SPOOL_PATH_SIZE];
	struct why why = { 0 };
	int fd;

	spool_path(id, path);
	fd = openat(f->spool_fd, path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(
	    spool_read(fd, id, f->arena, message, &why), RESULT_OK);
	close(fd);
}

const char *
read_body(struct manager_fixture *f, const char *id)
{
	struct spool_message message;
	char path[SPOOL_PATH_SIZE], *text;
	int fd;

	read_back(f, id, &message);
	spool_path(id, path);
	fd = openat(f->spool_fd, path, O_RDONLY | O_CLOEXEC);
	text = arena_alloc(f->arena, message.body_length + 1);
	assert_non_null(text);
	assert_int_equal(
	    pread(fd, text, message.body_length, (off_t)message.body_offset),
	    (ssize_t)message.body_length);
	close(fd);
	return text;
}
