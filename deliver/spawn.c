/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "deliver/spawn.h"

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/io.h"
#include "common/job.h"
#include "common/log.h"
#include "common/program.h"

#define GROUPS_MAX 64

/* With a group of the system an agent could be more than any user: that of
 * the disks is as good as root. */
static bool
spawn_may_have_group(const struct spawn_rules *rules, uid_t uid, gid_t gid)
{
	const struct passwd *account;

	if (gid >= rules->settings->minimum_uid)
		return true;
	if (uid == rules->virtual_uid)
		return gid == rules->virtual_gid;
	account = getpwuid(uid);
	return account != NULL && account->pw_gid == gid;
}

bool
spawn_may_become(
    const struct spawn_rules *rules, uid_t uid, gid_t gid, struct why *why)
{
	if (uid == 0 || gid == 0 || uid == (uid_t)-1 || gid == (gid_t)-1)
		return why_set(why, "refused to deliver as root");
	if (rules->own != 0)
		return uid == rules->own ||
		       why_set(why, "not root: cannot deliver as uid %lu",
			   (unsigned long)uid);
	if (uid < rules->settings->minimum_uid &&
	    (rules->virtual_uid == 0 || uid != rules->virtual_uid))
		return why_set(
		    why, "uid %lu is below minimum_uid", (unsigned long)uid);
	return spawn_may_have_group(rules, uid, gid) ||
	       why_set(why, "gid %lu is not that of uid %lu",
		   (unsigned long)gid, (unsigned long)uid);
}

/* A spool like /var/mail belongs to the group mail. */
static bool
spawn_groups(
    const struct settings *settings, uid_t uid, gid_t gid, struct why *why)
{
	const struct passwd *account = getpwuid(uid);
	gid_t groups[GROUPS_MAX + 1];
	int count = GROUPS_MAX;

	groups[0] = gid;
	if (account == NULL ||
	    getgrouplist(account->pw_name, gid, groups, &count) < 0)
		count = 1;
	if (settings->home_mailbox[0] == '/') {
		const struct group *mail = getgrnam("mail");

		if (mail != NULL)
			groups[count++] = mail->gr_gid;
	}
	return setgroups((size_t)count, groups) == 0 ||
	       why_errno(why, "setgroups");
}

static bool
spawn_become(
    const struct settings *settings, uid_t uid, gid_t gid, struct why *why)
{
	if (geteuid() != 0)
		return true;
	if (!spawn_groups(settings, uid, gid, why))
		return false;
	if (setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return why_errno(
		    why, "cannot become uid %lu", (unsigned long)uid);
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
		return why_set(why, "privileges came back");
	return true;
}

/* The child: becomes the user, then the agent. */
_Noreturn static void
spawn_child(const struct settings *settings, uid_t uid, gid_t gid, int agent)
{
	const struct program_start start = { .name = "deliver",
		.descriptors = { agent, -1, -1 },
		.descriptor_count = 3 };
	struct why why;

	if (spawn_become(settings, uid, gid, &why))
		program_exec(settings, &start, &why);
	log_error("deliver: %s", why.text);
	_exit(EX_TEMPFAIL);
}

static bool
spawn_agent(const struct spawn_rules *rules, struct message *message, int agent)
{
	uint32_t uid, gid;
	struct why why;
	pid_t pid;

	if (agent < 0 || message->type != SPAWN_AGENT ||
	    !message_get_u32(message, &uid) ||
	    !message_get_u32(message, &gid) || !message_end(message)) {
		log_error("malformed request from qmgr");
		return false;
	}
	/* A refused agent is a closed socket: qmgr tries later. */
	if (!spawn_may_become(rules, uid, gid, &why)) {
		log_error("%s", why.text);
		return true;
	}
	pid = fork();
	if (pid == 0)
		spawn_child(rules->settings, uid, gid, agent);
	if (pid < 0)
		log_error("cannot start deliver: no process");
	return true;
}

static void
find_virtual_user(struct spawn_rules *rules)
{
	const struct passwd *account = getpwnam(rules->settings->virtual_user);

	if (account == NULL)
		return;
	rules->virtual_uid = account->pw_uid;
	rules->virtual_gid = account->pw_gid;
}

int
deliver_spawn_run(const struct settings *settings, int argc, char *const argv[])
{
	struct spawn_rules rules = { .settings = settings, .own = geteuid() };
	const struct sigaction reaped = { .sa_handler = SIG_IGN };
	struct message message;
	enum io_status status;
	int agent, code = EX_OK;

	(void)argc;
	(void)argv;
	/* The kernel reaps: qmgr learns of an agent's end by its socket. */
	sigaction(SIGCHLD, &reaped, NULL);
	find_virtual_user(&rules);
	message_init(&message);
	while (code == EX_OK) {
		status = message_receive_fd(
		    &message, SPAWNER_SOCKET, &agent, io_deadline(60));
		if (status == IO_TIMEOUT)
			continue;
		if (status != IO_OK)
			break;
		/* The name service may have had a bad moment. */
		if (rules.virtual_uid == 0)
			find_virtual_user(&rules);
		if (!spawn_agent(&rules, &message, agent))
			code = EX_PROTOCOL;
		if (agent >= 0)
			close(agent);
	}
	message_free(&message);
	return code;
}
