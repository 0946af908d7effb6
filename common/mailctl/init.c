/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailctl/init.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fsutil.h"
#include "common/mailctl/startup.h"
#include "common/settings_text.h"

#define TEXT_MAX 65536

/* What init works on, besides the facts. */
struct init {
	struct mailctl *mailctl;
	struct report report;
	struct init_facts facts;
	const char *conf;
	char directory[PATH_MAX];
	char conf_path[PATH_MAX + 16];
	char hostname[512];
	struct buf networks;
};

static bool
fail(struct init *init, const char *subject, const struct why *why)
{
	report_line(&init->report, REPORT_FAIL, subject, "%s", why->text);
	return false;
}

/* Write path unless it is there. */
static bool
write_new(struct init *init, const char *path, const char *subject,
    const struct buf *text, mode_t mode)
{
	char folder[PATH_MAX];
	char *slash;
	struct why why = { 0 };

	if (access(path, F_OK) == 0) {
		report_line(&init->report, REPORT_OK, subject,
		    "%s is there already, kept", path);
		return true;
	}
	if (init->mailctl->is_dry_run) {
		report_line(
		    &init->report, REPORT_PLAN, subject, "write %s", path);
		return true;
	}
	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash != NULL && slash != folder) {
		*slash = '\0';
		if (!fs_make_directories(folder, 0755, &why))
			return fail(init, subject, &why);
	}
	if (!fs_replace(AT_FDCWD, path, buf_slice(text), mode, &why))
		return fail(init, subject, &why);
	report_line(&init->report, REPORT_OK, subject, "%s written", path);
	return true;
}

static bool
write_conf(struct init *init)
{
	struct settings_errors *errors = &init->mailctl->errors;
	struct buf text;
	bool ok;

	buf_init(&text, TEXT_MAX);
	init_format_conf(&init->facts, &text);
	if (init->mailctl->is_dry_run)
		printf("%s", buf_string(&text));
	ok = write_new(init, init->conf, "mail.conf", &text, 0644);
	if (init->mailctl->is_dry_run && access(init->conf, F_OK) < 0) {
		settings_text_parse(init->mailctl->settings, buf_slice(&text),
		    init->conf, NULL, errors);
		buf_free(&text);
		return errors->count == 0;
	}
	buf_free(&text);
	if (!ok)
		return false;
	/* From here on the new file holds. */
	setenv("MERPATI_CONF", init->conf, 1);
	settings_errors_free(errors);
	settings_free(&init->mailctl->settings);
	init->mailctl->settings = settings_load(init->conf, NULL, errors);
	for (size_t i = 0; i < errors->count; i++)
		report_line(&init->report, REPORT_FAIL, "settings", "%s",
		    errors->texts[i]);
	return errors->count == 0;
}

/* Who reads root's mail: who called sudo, or this ordinary user. */
static const char *
find_human(void)
{
	const char *name = geteuid() == 0 ? getenv("SUDO_USER") : NULL;
	struct passwd *entry =
	    name != NULL ? getpwnam(name) : getpwuid(geteuid());

	if (entry == NULL || entry->pw_uid == 0)
		return "";
	return entry->pw_name;
}

static bool
write_tables(struct init *init)
{
	const struct settings *settings = init->mailctl->settings;
	const char *human = find_human();
	struct buf text;
	bool ok;

	buf_init(&text, TEXT_MAX);
	init_format_aliases(human, &text);
	ok = write_new(init, settings->aliases, "aliases", &text, 0644);
	if (ok && human[0] == '\0')
		report_line(&init->report, REPORT_NOTE, "aliases",
		    "say who reads root's mail: root: NAME in %s",
		    settings->aliases);
	buf_clear(&text);
	buf_add_string(&text, "# users(5); see: mailctl user add\n");
	ok = ok && write_new(init, settings->users, "users", &text, 0600);
	buf_free(&text);
	return ok;
}

/* mail.DOMAIN, unless this host is named within the domain already. */
static void
choose_hostname(struct init *init, const char *domain)
{
	struct slice system = slice_of(init->mailctl->settings->hostname);
	struct slice tail = slice_of(domain);

	if (slice_eq_nocase(system, tail) ||
	    (system.len > tail.len && slice_ends(system, tail) &&
		system.ptr[system.len - tail.len - 1] == '.'))
		snprintf(init->hostname, sizeof(init->hostname), "%.*s",
		    SLICE_FMT(system));
	else
		snprintf(
		    init->hostname, sizeof(init->hostname), "mail.%s", domain);
	init->facts.hostname = init->hostname;
	init->facts.domain = domain;
}

/* The domain named, or the one this host's full name is in. */
static const char *
choose_domain(const struct mailctl *mailctl)
{
	const char *dot;

	if (mailctl->argc > 0)
		return mailctl->argv[0];
	if (mailctl->settings->domains.count > 0)
		return mailctl->settings->domains.items[0];
	dot = strchr(mailctl->settings->hostname, '.');
	return dot == NULL || strchr(dot + 1, '.') == NULL ? NULL : dot + 1;
}

static bool
choose_places(struct init *init, const char *directory)
{
	const char *named = secure_getenv("MERPATI_CONF");
	struct passwd *self = getpwuid(geteuid());
	struct why why = { 0 };

	init->conf = SYSCONFDIR "/merpati/mail.conf";
	if (named != NULL && named[0] != '\0')
		init->conf = named;
	init->facts.has_low_ports = geteuid() == 0;
	if (directory == NULL && geteuid() != 0 && named == NULL) {
		why_set(&why, "only root may make the host of this system"
			      " -> mailctl init --directory DIR ...");
		return fail(init, "mail.conf", &why);
	}
	if (directory == NULL)
		return true;
	if (!fs_make_directories(directory, 0755, &why))
		return fail(init, "directory", &why);
	if (realpath(directory, init->directory) == NULL) {
		why_errno(&why, "%s", directory);
		return fail(init, "directory", &why);
	}
	snprintf(init->conf_path, sizeof(init->conf_path), "%s/mail.conf",
	    init->directory);
	init->conf = init->conf_path;
	init->facts.directory = init->directory;
	if (geteuid() != 0 && self != NULL)
		init->facts.user = self->pw_name;
	return true;
}

static void
print_plan(struct init *init)
{
	struct report *report = &init->report;
	const struct init_facts *facts = &init->facts;

	report_line(report, REPORT_PLAN, "hostname", "%s   mail domain %s",
	    facts->hostname, facts->domain);
	report_line(report, REPORT_PLAN, "listen", "%s",
	    facts->directory == NULL || facts->has_low_ports
		? "25 smtp  110 pop3  143 imap  465 submissions"
		  "  587 submission  993 imaps  995 pop3s"
		: "2525 smtp  2110 pop3  2143 imap  2465 submissions"
		  "  2587 submission  2993 imaps  2995 pop3s");
	if (!facts->is_lab)
		return;
	report_line(report, REPORT_PLAN, "lab",
	    "clear-text login from loopback%s%s ONLY; %s",
	    facts->networks[0] == '\0' ? "" : " ", facts->networks,
	    facts->has_dns ? "other hosts by DNS"
			   : "no DNS here: other hosts by route.map");
}

static void
print_next(struct init *init)
{
	const struct settings *settings = init->mailctl->settings;
	const char *conf = mailctl_conf_argument(init->mailctl);

	if (settings->domains.count > 0 &&
	    slice_ends(slice_of(settings->domains.items[0]), S(".local")))
		report_line(&init->report, REPORT_NOTE, "domain",
		    "names in .local are claimed by mDNS on desktops;"
		    " see merpati-lab(7)");
	startup_advise(init->mailctl, &init->report);
	if (settings->system_users && geteuid() == 0)
		report_line(&init->report, REPORT_NEXT, "user",
		    "adduser NAME   or   mailctl%s%s user add NAME",
		    conf == NULL ? "" : " -c ", conf == NULL ? "" : conf);
	else
		report_line(&init->report, REPORT_NEXT, "user",
		    "mailctl%s%s user add NAME", conf == NULL ? "" : " -c ",
		    conf == NULL ? "" : conf);
	report_line(&init->report, REPORT_NEXT, "prove it", "mailctl%s%s check",
	    conf == NULL ? "" : " -c ", conf == NULL ? "" : conf);
}

static int
run(struct init *init)
{
	print_plan(init);
	if (!write_conf(init) ||
	    !permissions_make_accounts(init->mailctl, &init->report) ||
	    !write_tables(init) ||
	    !permissions_apply(init->mailctl, &init->report))
		return EXIT_NONE;
	if (!init->mailctl->is_dry_run)
		report_line(&init->report, REPORT_OK, "directories",
		    "spool %s, state %s",
		    init->mailctl->settings->queue_directory,
		    init->mailctl->settings->state_directory);
	print_next(init);
	return EX_OK;
}

int
verb_init(struct mailctl *mailctl)
{
	struct init init = { .mailctl = mailctl };
	const char *directory = NULL, *domain;
	const struct option_row options[] = {
		{ "--lab", &init.facts.is_lab, NULL },
		{ "--yes", &mailctl->is_yes, NULL },
		{ "-y", &mailctl->is_yes, NULL },
		{ "-n", &mailctl->is_dry_run, NULL },
		{ "--dry-run", &mailctl->is_dry_run, NULL },
		{ "--directory", NULL, &directory },
		{ NULL, NULL, NULL },
	};
	struct why why = { 0 };
	int code;

	if (!options_take(mailctl, options, &why))
		return mailctl_fail(EX_USAGE, &why);
	domain = choose_domain(mailctl);
	if (mailctl->argc > 1 || domain == NULL)
		return mailctl_usage("init [--lab] [--directory DIR] DOMAIN"
				     "   (this host's name has no domain)");
	buf_init(&init.networks, 4096);
	if (init.facts.is_lab) {
		init_private_networks(&init.networks);
		init.facts.has_dns = init_has_dns(domain);
	}
	init.facts.networks = buf_string(&init.networks);
	choose_hostname(&init, domain);
	code = choose_places(&init, directory) ? run(&init) : EX_CANTCREAT;
	buf_free(&init.networks);
	return code;
}
