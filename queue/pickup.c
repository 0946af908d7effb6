/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/pickup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/arena.h"
#include "common/crc32c.h"
#include "common/fault.h"
#include "common/fsutil.h"
#include "common/inject.h"
#include "common/io.h"
#include "common/jail.h"
#include "common/log.h"
#include "common/passing.h"
#include "common/spooldir.h"
#include "common/verify.h"
#include "common/verify_start.h"

#include "queue/drop.h"

enum {
	ARENA_CEILING = 4 << 20,
	PASSWD_SIZE = 4096,
	REPORT_MAX = 65536,
	LEFTOVER_AGE = 24 * 60 * 60
};

struct pickup {
	const struct settings *settings;
	int spool_fd, drop_fd;
	int session_fd, facts_fd; /* of enqueue */
	int attached[2];          /* for its first facts: inject.h */
	int starter;              /* verify_start.h; -1 none */
	bool is_reporting;
	pid_t pid;
	struct arena *arena;
};

/* One file. */
struct file {
	const char *name;
	int fd;
	struct stat status;
	struct drop drop;
	struct buf head; /* its first bytes */
	char id[SPOOL_ID_SIZE];
	struct buf report; /* refused recipients, one per line */
	size_t refused;
	bool is_gone; /* enqueue does not answer */
};

void
pickup_id(const char *name, const struct stat *status, char id[SPOOL_ID_SIZE])
{
	const uint64_t facts[3] = { (uint64_t)status->st_ino,
		(uint64_t)status->st_uid, (uint64_t)status->st_dev };
	uint32_t sum = crc32c(0, name, strlen(name));
	uint64_t microseconds = (uint64_t)status->st_mtim.tv_sec * 1000000 +
				(uint64_t)status->st_mtim.tv_nsec / 1000;

	sum = crc32c(sum, facts, sizeof(facts));
	spool_id_from(microseconds, sum, id);
}

/* -1 where none is needed. False: needed, and not to be had. */
static bool
start_verify(struct pickup *p, int *verify, struct why *why)
{
	*verify = -1;
	if (!verify_is_needed(p->settings, INJECT_LOCAL))
		return true;
	if (p->starter < 0)
		return why_set(why,
		    "settings ask for verify since qmgr was started: start "
		    "qmgr anew");
	*verify = verify_start(p->starter, why);
	return *verify >= 0;
}

static bool
start_enqueue(struct pickup *p, struct why *why)
{
	struct program_start start = { .name = "enqueue",
		.descriptors = { -1, -1, -1, -1 },
		.descriptor_count = ENQUEUE_FACTS + 1 };
	int session[2], facts[2];

	if (!start_verify(p, &p->attached[INJECT_VERIFY], why))
		return false;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, session) < 0)
		return why_errno(why, "socketpair");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, facts) < 0) {
		close(session[0]);
		close(session[1]);
		return why_errno(why, "socketpair");
	}
	start.descriptors[ENQUEUE_FACTS] = facts[0];
	p->pid = program_spawn(p->settings, &start, why);
	close(facts[0]);
	p->session_fd = session[0];
	p->attached[INJECT_SESSION] = session[1];
	p->facts_fd = facts[1];
	return p->pid > 0;
}

/* enqueue has them, or will not. */
static void
close_attached(struct pickup *p)
{
	for (size_t i = 0; i < 2; i++) {
		if (p->attached[i] >= 0)
			close(p->attached[i]);
		p->attached[i] = -1;
	}
}

static void
stop_enqueue(struct pickup *p)
{
	close_attached(p);
	if (p->session_fd >= 0)
		close(p->session_fd);
	if (p->facts_fd >= 0)
		close(p->facts_fd);
	while (p->pid > 0 && waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	p->session_fd = p->facts_fd = -1;
	p->pid = -1;
}

/* Local, and whose: from the kernel, not from the file. */
static bool
send_facts(struct pickup *p, const struct file *file, const char *id)
{
	struct inject_facts facts = { .magic = INJECT_FACTS_MAGIC,
		.listener = INJECT_LOCAL,
		.is_report = p->is_reporting };
	struct why why = { 0 };
	size_t count;
	bool ok;

	if (p->pid <= 0 && !start_enqueue(p, &why)) {
		log_error("%s", why.text);
		return false;
	}
	facts.uid = (uint32_t)file->status.st_uid;
	snprintf(facts.id, sizeof(facts.id), "%s", id);
	count = p->attached[INJECT_SESSION] < 0  ? 0
		: p->attached[INJECT_VERIFY] < 0 ? 1
						 : 2;
	ok = passing_send(
	    p->facts_fd, slice_make(&facts, sizeof(facts)), p->attached, count);
	close_attached(p);
	return ok;
}

/* Ask, and keep what was refused. True: go on. */
static bool
note(struct file *file, bool was_answered, struct slice about,
    const struct inject_reply *reply)
{
	if (!was_answered) {
		file->is_gone = true;
		return false;
	}
	if (reply->code < 400)
		return true;
	if (reply->code >= 500) {
		buf_add_format(&file->report, "<%.*s>: %u %s %s\r\n",
		    SLICE_FMT(about), reply->code, reply->status, reply->text);
		file->refused++;
	}
	return false;
}

enum outcome {
	OUTCOME_DONE,
	OUTCOME_LATER,
	OUTCOME_REFUSED
};

static enum outcome
outcome_of(const struct file *file, const struct inject_reply *reply)
{
	return !file->is_gone && reply->code >= 500 ? OUTCOME_REFUSED
						    : OUTCOME_LATER;
}

static enum outcome
send_body(struct pickup *p, struct file *file, struct inject_reply *reply)
{
	char *bytes = alloc_zero(LIMIT_PIPE_CHUNK, 1);
	bool ok =
	    lseek(file->fd, (off_t)file->drop.message_offset, SEEK_SET) >= 0;
	ssize_t n = 1;

	while (ok && n > 0) {
		n = read(file->fd, bytes, LIMIT_PIPE_CHUNK);
		if (n < 0)
			ok = false;
		else if (n > 0)
			ok = inject_chunk(
			    p->session_fd, slice_make(bytes, (size_t)n));
	}
	alloc_release(bytes);
	file->is_gone = !ok;
	if (!ok ||
	    !note(file, inject_end(p->session_fd, reply), S("message"), reply))
		return outcome_of(file, reply);
	return OUTCOME_DONE;
}

/* Every recipient is asked for; a temporary refusal of one puts all off. */
static enum outcome
inject_file(struct pickup *p, struct file *file)
{
	const struct rcpt_options options = { .original = S("") };
	struct inject_sender sender = { .reverse_path = file->drop.sender,
		.helo = slice_of(file->name),
		.is_esmtp = true,
		.options.flags = file->drop.is_8bit ? MAIL_8BIT : 0 };
	struct inject_reply reply = { 0 };
	size_t accepted = 0;

	sender.size = (uint64_t)file->status.st_size;
	if (!send_facts(p, file, file->id)) {
		file->is_gone = true;
		return OUTCOME_LATER;
	}
	if (!note(file, inject_mail(p->session_fd, &sender, &reply),
		file->drop.sender, &reply))
		return outcome_of(file, &reply);
	for (size_t i = 0; i < file->drop.recipient_count; i++) {
		struct slice recipient = file->drop.recipients[i];

		if (note(file,
			inject_rcpt(p->session_fd, recipient, &options, &reply),
			recipient, &reply))
			accepted++;
		else if (outcome_of(file, &reply) == OUTCOME_LATER)
			return OUTCOME_LATER;
	}
	if (accepted == 0)
		return OUTCOME_REFUSED;
	if (!note(
		file, inject_data(p->session_fd, &reply), S("message"), &reply))
		return outcome_of(file, &reply);
	return send_body(p, file, &reply);
}

/* A name for the owner that mail can be sent to. */
static void
owner_name(uid_t uid, char *name, size_t size)
{
	struct passwd entry, *found = NULL;
	char bytes[PASSWD_SIZE];

	(void)getpwuid_r(uid, &entry, bytes, sizeof(bytes), &found);
	snprintf(
	    name, size, "%s", found == NULL ? "postmaster" : found->pw_name);
}

static void
format_report(const struct pickup *p, const struct file *file,
    const char *owner, struct buf *out)
{
	struct slice rest = buf_slice(&file->head);
	size_t end;

	buf_add_format(out,
	    "From: Mail Delivery System <MAILER-DAEMON@%s>"
	    "\r\nTo: %s\r\nSubject: Undelivered mail: %zu recipients were "
	    "refused\r\nAuto-Submitted: auto-replied\r\n\r\n"
	    "This is the mail system at host %s.\r\n\r\nYour message was "
	    "not sent to:\r\n\r\n",
	    p->settings->hostname, owner, file->refused, p->settings->hostname);
	buf_add(out, buf_slice(&file->report));
	buf_add_string(out, "\r\nIts header was:\r\n\r\n");
	rest = slice_from(rest, file->drop.message_offset);
	end = slice_find(rest, S("\r\n\r\n"));
	rest = slice_first(rest, end < 8192 ? end : 8192);
	while (rest.len > 0) {
		struct slice line;

		slice_cut(rest, '\n', &line, &rest);
		buf_add_format(out, "> %.*s\r\n", SLICE_FMT(slice_trim(line)));
	}
}

static bool
is_yes(bool was_answered, const struct inject_reply *reply)
{
	return was_answered && reply->code < 400;
}

static bool
inject_report(struct pickup *p, struct slice to, const char *owner,
    struct slice text, struct inject_reply *reply)
{
	const struct rcpt_options options = { .original = S("") };
	struct inject_sender sender = { .helo = S("report"), .is_esmtp = true };
	int fd = p->session_fd;

	if (!is_yes(inject_mail(fd, &sender, reply), reply))
		return false;
	if (!is_yes(inject_rcpt(fd, to, &options, reply), reply) &&
	    !is_yes(inject_rcpt(fd, slice_of(owner), &options, reply), reply))
		return false;
	return is_yes(inject_data(fd, reply), reply) &&
	       inject_chunk(fd, slice_first(text, LIMIT_PIPE_CHUNK)) &&
	       is_yes(inject_end(fd, reply), reply);
}

/* To the sender, else to the owner; with the null sender, so that a report
 * of a report is not made. */
static bool
send_report(struct pickup *p, struct file *file)
{
	struct inject_reply reply = { 0 };
	char owner[256], id[SPOOL_ID_SIZE];
	struct buf text;
	bool ok;

	if (file->drop.sender.len == 0)
		return true;
	owner_name(file->status.st_uid, owner, sizeof(owner));
	pickup_id("report", &file->status, id);
	buf_init(&text, REPORT_MAX * 2);
	format_report(p, file, owner, &text);
	p->is_reporting = true;
	ok = send_facts(p, file, id) && inject_report(p, file->drop.sender,
					    owner, buf_slice(&text), &reply);
	p->is_reporting = false;
	buf_free(&text);
	if (!ok)
		(void)inject_abort(p->session_fd);
	return ok || reply.code >= 500;
}

static void
move_to_bad(struct pickup *p, const struct file *file, const char *cause)
{
	char path[64];

	snprintf(path, sizeof(path), "bad/%s", file->name);
	log_warning("drop/%s of uid %lu: %s: moved to bad/", file->name,
	    (unsigned long)file->status.st_uid, cause);
	if (renameat(p->drop_fd, file->name, p->spool_fd, path) < 0)
		log_error("drop/%s: cannot move it to bad: %s", file->name,
		    strerror(errno));
	fault_point("P4");
}

/* Regular, one name, readable envelope. */
static bool
read_head(struct pickup *p, struct file *file, struct why *why)
{
	char *bytes;
	ssize_t n;

	if (fstat(file->fd, &file->status) < 0)
		return why_errno(why, "fstat");
	if (!S_ISREG(file->status.st_mode) || file->status.st_nlink != 1)
		return why_set(why, "not a regular file of one name");
	bytes = buf_reserve(&file->head, DROP_ENVELOPE_MAX);
	n = pread(file->fd, bytes, DROP_ENVELOPE_MAX, 0);
	if (n < 0)
		return why_errno(why, "read");
	buf_commit(&file->head, (size_t)n);
	return drop_parse(buf_slice(&file->head), p->arena, &file->drop, why);
}

static void
finish(struct pickup *p, struct file *file, enum outcome outcome)
{
	if (outcome != OUTCOME_DONE && !file->is_gone)
		(void)inject_abort(p->session_fd);
	fault_point("P1");
	if (outcome == OUTCOME_LATER ||
	    (file->refused > 0 && !send_report(p, file))) {
		log_info("drop/%s: left for later", file->name);
		if (file->is_gone)
			stop_enqueue(p);
		return;
	}
	fault_point("P2");
	if (unlinkat(p->drop_fd, file->name, 0) < 0)
		log_error("drop/%s: cannot remove it: %s", file->name,
		    strerror(errno));
	fault_point("P3");
}

static void
take_file(struct pickup *p, const char *name)
{
	struct file file = { .name = name };
	struct why why = { 0 };

	arena_reset(p->arena);
	file.fd = openat(
	    p->drop_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file.fd < 0 && errno == ENOENT)
		return;
	if (file.fd < 0 && errno != EACCES && errno != ELOOP &&
	    errno != ENXIO) {
		log_error("drop/%s: left for later: %s", name, strerror(errno));
		return;
	}
	buf_init(&file.head, DROP_ENVELOPE_MAX);
	buf_init(&file.report, REPORT_MAX);
	if (file.fd < 0) {
		why_errno(&why, "open");
		move_to_bad(p, &file, why.text);
	} else if (!read_head(p, &file, &why)) {
		move_to_bad(p, &file, why.text);
	} else {
		pickup_id(name, &file.status, file.id);
		finish(p, &file, inject_file(p, &file));
	}
	buf_free(&file.head);
	buf_free(&file.report);
	if (file.fd >= 0)
		close(file.fd);
}

/* Left by a sendmail that was killed. One that is only slow fails at its
 * rename, and has not told anybody that the message is taken. */
static void
remove_leftover(const struct pickup *p, const char *name)
{
	struct stat status;

	if (fstatat(p->drop_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
	    time(NULL) - status.st_mtime < LEFTOVER_AGE ||
	    unlinkat(p->drop_fd, name, 0) != 0)
		return;
	fault_point("P5");
	log_info("removed unfinished drop/%s", name);
}

static bool
take_all(struct pickup *p, struct why *why)
{
	int fd = openat(p->drop_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct slice name;

	if (directory == NULL) {
		if (fd >= 0)
			close(fd);
		return why_errno(why, "read of drop");
	}
	while ((entry = readdir(directory)) != NULL) {
		name = slice_of(entry->d_name);
		if (drop_name_is_valid(name))
			take_file(p, entry->d_name);
		else if (slice_starts(name, S(".")) &&
			 spool_id_is_valid(slice_from(name, 1)))
			remove_leftover(p, entry->d_name);
	}
	closedir(directory);
	return true;
}

bool
pickup_run(const struct settings *settings, int starter, struct why *why)
{
	struct pickup p = { .settings = settings,
		.spool_fd = -1,
		.drop_fd = -1,
		.session_fd = -1,
		.facts_fd = -1,
		.attached = { -1, -1 },
		.starter = starter,
		.pid = -1 };
	bool ok;

	p.spool_fd = spool_open(settings, why);
	if (p.spool_fd < 0)
		return false;
	p.arena = arena_new("pickup", ARENA_CEILING);
	p.drop_fd = openat(p.spool_fd, "drop",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	ok =
	    p.drop_fd >= 0 ? take_all(&p, why) : why_errno(why, "open of drop");
	stop_enqueue(&p);
	arena_free(&p.arena);
	if (p.drop_fd >= 0)
		close(p.drop_fd);
	close(p.spool_fd);
	return ok;
}

int
pickup_program(const struct settings *settings, int argc, char *const argv[])
{
	bool is_root = geteuid() == 0;
	int starter = PICKUP_STARTER;
	struct why why = { 0 };

	(void)argc;
	(void)argv;
	log_rename("pickup");
	/* dropwatch gives one where the settings wanted it; whoever is not in a
	 * jail yet can make one. */
	if (starter == log_descriptor() || fcntl(starter, F_GETFD) < 0)
		starter = -1;
	if (starter < 0 && is_root && verify_is_needed(settings, INJECT_LOCAL))
		starter = verify_starter(settings, &why);
	(void)sigaction(
	    SIGPIPE, &(const struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	/* qmgr starts it in this jail; by hand root has to enter it. */
	if ((!is_root || jail_enter(jail_find("pickup"), settings,
			     &(const struct jail_request){
				 .keep_count = starter < 0 ? 3 : starter + 1 },
			     &why)) &&
	    pickup_run(settings, starter, &why))
		return EX_OK;
	log_error("%s", why.text);
	return EX_TEMPFAIL;
}
