/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailctl/startup.h"

#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/fsutil.h"
#include "common/mailctl/snippet.h"

#define TEXT_MAX 65536

static const struct {
	const char *name;
	const char *sign; /* this exists: it runs, or is installed */
	const char *next; /* what to type after "mailctl" made the files */
	const char *folder;
} kinds[] = {
	[STARTUP_SYSTEMD] = { "systemd", "/run/systemd/system",
	    "systemctl daemon-reload && systemctl enable --now"
	    " merpatid.service",
	    "/etc/systemd/system" },
	[STARTUP_XINETD] = { "xinetd", "/usr/sbin/xinetd",
	    "kill -HUP $(pidof xinetd)      and at each boot: qmgr",
	    "/etc/xinetd.d" },
	[STARTUP_INETD] = { "inetd", "/etc/inetd.conf",
	    "append /etc/merpati-inetd.conf to /etc/inetd.conf;"
	    " kill -HUP $(pidof inetd)      and at each boot: qmgr",
	    "/etc" },
	[STARTUP_NONE] = { "print", NULL, NULL, NULL },
};

enum startup_kind
startup_find(void)
{
	enum startup_kind kind;

	for (kind = STARTUP_SYSTEMD; kind != STARTUP_NONE; kind++)
		if (access(kinds[kind].sign, F_OK) == 0)
			break;
	return kind;
}

const char *
startup_name(enum startup_kind kind)
{
	return kinds[kind].name;
}

struct output {
	const struct snippet_facts *facts;
	const char *directory; /* NULL: stdout */
	struct buf text;
	struct buf name;
};

/* Write text under name and begin anew. */
static bool
emit(struct output *output, const char *suffix, struct why *why)
{
	bool ok = true;
	int fd = AT_FDCWD;

	buf_add_string(&output->name, suffix);
	if (output->directory == NULL) {
		printf("# ---- %s\n%s\n", buf_string(&output->name),
		    buf_string(&output->text));
	} else {
		fd =
		    open(output->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ok = fd >= 0 ? fs_replace(fd, buf_string(&output->name),
				   buf_slice(&output->text), 0644, why)
			     : why_errno(why, "%s", output->directory);
		if (fd >= 0)
			close(fd);
		if (ok)
			printf("%s/%s\n", output->directory,
			    buf_string(&output->name));
	}
	buf_clear(&output->text);
	buf_clear(&output->name);
	return ok;
}

static bool
emit_service(struct output *output, enum startup_kind kind,
    const struct service *service, struct why *why)
{
	switch (kind) {
	case STARTUP_SYSTEMD:
		snippet_name(service, &output->name);
		snippet_systemd_socket(output->facts, service, &output->text);
		if (!emit(output, ".socket", why))
			return false;
		snippet_name(service, &output->name);
		snippet_systemd_service(output->facts, service, &output->text);
		return emit(output, "@.service", why);
	case STARTUP_XINETD:
		snippet_name(service, &output->name);
		snippet_xinetd(output->facts, service, &output->text);
		return emit(output, "", why);
	case STARTUP_INETD:
		snippet_inetd(output->facts, service, &output->text);
		return true;
	case STARTUP_NONE:
		break;
	}
	return true;
}

static bool
emit_rest(struct output *output, enum startup_kind kind, struct why *why)
{
	switch (kind) {
	case STARTUP_SYSTEMD:
		snippet_systemd_qmgr(output->facts, &output->text);
		if (!emit(output, "merpati-qmgr.service", why))
			return false;
		snippet_systemd_merpatid(output->facts, &output->text);
		return emit(output, "merpatid.service", why);
	case STARTUP_INETD:
		return emit(output, "merpati-inetd.conf", why);
	case STARTUP_XINETD:
	case STARTUP_NONE:
		break;
	}
	return true;
}

/* Beside this program, wherever both were installed. */
static void
find_merpatid(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	path[n < 0 ? 0 : n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL ||
	    (size_t)snprintf(slash, size - (size_t)(slash - path),
		"/merpatid") >= size - (size_t)(slash - path))
		snprintf(path, size, "%s/merpatid", SBINDIR);
}

bool
startup_write(const struct mailctl *mailctl, const struct startup *startup,
    struct why *why)
{
	const struct settings *settings = mailctl->settings;
	const struct passwd *self = getpwuid(geteuid());
	char merpatid[PATH_MAX];
	const struct snippet_facts facts = { settings,
		mailctl_conf_argument(mailctl),
		self == NULL ? "root" : self->pw_name, merpatid,
		startup->is_wait };
	struct output output = { .facts = &facts,
		.directory = startup->directory };
	enum startup_kind kind = startup->kind;
	struct service service;
	bool ok = true;

	find_merpatid(merpatid, sizeof(merpatid));
	buf_init(&output.text, TEXT_MAX);
	buf_init(&output.name, 256);
	for (size_t i = 0; ok && i < service_count(settings); i++)
		ok = service_get(settings, i, &service, why) &&
		     emit_service(&output, kind, &service, why);
	ok = ok && emit_rest(&output, kind, why);
	buf_free(&output.text);
	buf_free(&output.name);
	return ok;
}

/* Asked on a terminal only; -y is the answer yes. */
static bool
may_write(const struct mailctl *mailctl, enum startup_kind kind)
{
	char answer[16];

	if (geteuid() != 0 || mailctl->is_dry_run)
		return false;
	if (mailctl->is_yes)
		return true;
	if (!isatty(STDIN_FILENO))
		return false;
	fprintf(stderr, "write the files for %s into %s? [y/N] ",
	    kinds[kind].name, kinds[kind].folder);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

void
startup_advise(const struct mailctl *mailctl, struct report *report)
{
	enum startup_kind kind = startup_find();
	const struct startup startup = { .kind = kind,
		.directory = kinds[kind].folder };
	const char *conf = mailctl_conf_argument(mailctl);
	struct why why = { 0 };

	if (conf != NULL || kind == STARTUP_NONE) {
		report_line(report, REPORT_NEXT, "start", "%s/merpatid%s%s",
		    SBINDIR, conf == NULL ? "" : " -c ",
		    conf == NULL ? "" : conf);
		return;
	}
	if (!may_write(mailctl, kind))
		report_line(report, REPORT_NEXT, "start",
		    "mailctl startup --directory %s %s", kinds[kind].folder,
		    kinds[kind].name);
	else if (!startup_write(mailctl, &startup, &why))
		report_line(report, REPORT_FAIL, "start", "%s", why.text);
	report_line(report, REPORT_NEXT, "", "%s", kinds[kind].next);
	report_line(report, REPORT_NEXT, "or", "%s/merpatid", SBINDIR);
}

static bool
find_kind(const char *name, enum startup_kind *kind)
{
	for (*kind = STARTUP_SYSTEMD; *kind != STARTUP_NONE; (*kind)++)
		if (strcmp(kinds[*kind].name, name) == 0)
			return true;
	/* "print": what fits this host. */
	*kind = startup_find();
	return strcmp(name, "print") == 0;
}

int
verb_startup(struct mailctl *mailctl)
{
	struct startup startup = { .directory = NULL };
	const struct option_row options[] = {
		{ "--directory", NULL, &startup.directory },
		{ "--wait", &startup.is_wait, NULL },
		{ NULL, NULL, NULL },
	};
	struct why why = { 0 };

	if (!options_take(mailctl, options, &why))
		return mailctl_fail(EX_USAGE, &why);
	if (mailctl->argc != 1 || !find_kind(mailctl->argv[0], &startup.kind) ||
	    (startup.is_wait && startup.kind == STARTUP_SYSTEMD))
		return mailctl_usage("startup [--directory DIR] [--wait]"
				     " xinetd | inetd | print,"
				     " or systemd without --wait");
	if (startup.kind == STARTUP_NONE) {
		printf("no systemd, xinetd or inetd here: run %s/merpatid\n",
		    SBINDIR);
		return EX_OK;
	}
	if (!startup_write(mailctl, &startup, &why))
		return mailctl_fail(EX_CANTCREAT, &why);
	return EX_OK;
}
