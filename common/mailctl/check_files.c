/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/front.h"
#include "common/fsutil.h"
#include "common/mailctl/certificate.h"
#include "common/mailctl/check.h"
#include "common/mailctl/init.h"
#include "common/spooldir.h"

#define PATH_SIZE    1024
#define PEM_MAX      (1024 * 1024)
#define DAY          86400
#define WARNING_DAYS 14

/* The order in which tls looks: the setting, Let's Encrypt's, our own. */
static const char *
find_certificate(
    const struct settings *settings, char path[PATH_SIZE], const char **key)
{
	*key = settings->tls_key_file;
	if (settings->tls_cert_file[0] != '\0') {
		snprintf(path, PATH_SIZE, "%s", settings->tls_cert_file);
		return "configured";
	}
	snprintf(path, PATH_SIZE, "/etc/letsencrypt/live/%s/fullchain.pem",
	    settings->hostname);
	*key = "";
	if (access(path, R_OK) == 0)
		return "Let's Encrypt";
	snprintf(path, PATH_SIZE, "%s/tls/%s.crt", settings->state_directory,
	    settings->hostname);
	return "self-signed";
}

static void
check_key(const char *path, struct report *report)
{
	struct stat status;

	if (path[0] == '\0')
		return;
	if (stat(path, &status) < 0)
		report_line(report, REPORT_FAIL, "certificate",
		    "tls_key_file %s: %s", path, strerror(errno));
	else if ((status.st_mode & 0077) != 0)
		report_line(report, REPORT_WARN, "certificate",
		    "%s can be read by others -> chmod 600 %s", path, path);
}

static void
report_end(
    int64_t end, const char *kind, const char *path, struct report *report)
{
	int64_t days = (end - (int64_t)time(NULL)) / DAY;

	if (days < 0)
		report_line(report, REPORT_FAIL, "certificate",
		    "%s has ended %lld days ago -> renew it", path,
		    (long long)-days);
	else if (days < WARNING_DAYS)
		report_line(report, REPORT_WARN, "certificate",
		    "%s ends in %lld days -> renew it; no reload is needed",
		    path, (long long)days);
	else
		report_line(report, REPORT_OK, "certificate",
		    "%s, %lld days left: %s", kind, (long long)days, path);
}

void
check_certificate(const struct mailctl *mailctl, struct report *report)
{
	char path[PATH_SIZE];
	const char *key;
	const char *kind = find_certificate(mailctl->settings, path, &key);
	bool is_own = strcmp(kind, "self-signed") == 0;
	struct why why = { 0 };
	struct buf pem;
	int64_t end;

	buf_init(&pem, PEM_MAX);
	if (!fs_read_file(AT_FDCWD, path, &pem, &why))
		report_line(report, is_own ? REPORT_NOTE : REPORT_FAIL,
		    "certificate", "%s%s",
		    is_own ? "a self-signed one is made at the first TLS"
			     " connection -> certbot, or tls_cert_file"
			   : why.text,
		    is_own ? "" : " -> tls_cert_file in mail.conf");
	else if (!certificate_parse_end(buf_slice(&pem), &end, &why))
		report_line(report, REPORT_FAIL, "certificate", "%s: %s", path,
		    why.text);
	else
		report_end(end, kind, path, report);
	buf_free(&pem);
	check_key(key, report);
}

static void
check_program(
    const struct settings *settings, const char *name, struct report *report)
{
	char path[PATH_SIZE];

	snprintf(
	    path, sizeof(path), "%s/%s", settings->program_directory, name);
	if (access(path, X_OK) < 0)
		report_line(report, REPORT_FAIL, "programs",
		    "%s: %s -> make install", path, strerror(errno));
}

void
check_permissions(const struct mailctl *mailctl, struct report *report)
{
	static const char *const programs[] = { "smtpd", "enqueue", "qmgr",
		"relay", "deliver", "pop3d", "imapd", "tls", "auth" };
	struct stat status;
	const char *path = mailctl->settings->path;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		check_program(mailctl->settings, programs[i], report);
	if (path[0] != '\0' && stat(path, &status) == 0 &&
	    (status.st_mode & 0022) != 0)
		report_line(report, REPORT_FAIL, "permissions",
		    "%s can be written by others -> chmod 644 %s", path, path);
	if (permissions_check(mailctl, report))
		report_line(report, REPORT_OK, "permissions",
		    "accounts, owners and modes are right");
}

static size_t
count_directory(int spool, const char *path)
{
	int fd = openat(spool, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	size_t count = 0;

	if (directory == NULL)
		return 0;
	while ((entry = readdir(directory)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count;
}

static void
count_messages(int spool, struct report *report)
{
	char bucket[16];
	size_t count = 0, bad;

	for (unsigned int i = 0; i < 256; i++) {
		snprintf(bucket, sizeof(bucket), "queue/%02x", i);
		count += count_directory(spool, bucket);
	}
	report_line(report, REPORT_OK, "queue", "%zu messages", count);
	bad = count_directory(spool, "bad");
	if (bad > 0)
		report_line(report, REPORT_WARN, "queue",
		    "%zu damaged files were put aside in bad/"
		    " -> look at them, then remove them",
		    bad);
}

/* qmgr holds the lock as long as it lives. */
static void
check_manager(int spool, struct report *report)
{
	int fd = openat(spool, "lock", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		report_line(report, REPORT_WARN, "queue",
		    "qmgr does not run: mail waits -> start merpatid, or"
		    " merpati-qmgr.service");
	else
		report_line(report, REPORT_OK, "queue", "qmgr runs");
	close(fd);
}

static void
check_space(const struct settings *settings, int spool, struct report *report)
{
	struct statvfs space;
	uint64_t left;

	if (fstatvfs(spool, &space) < 0)
		return;
	left = (uint64_t)space.f_bavail * space.f_frsize;
	report_line(report,
	    left < settings->queue_minimum_free ? REPORT_FAIL : REPORT_OK,
	    "queue", "%llu MB free in %s%s", (unsigned long long)(left >> 20),
	    settings->queue_directory,
	    left < settings->queue_minimum_free
		? ": new mail is put off -> make room (queue_minimum_free)"
		: "");
}

void
check_queue(const struct mailctl *mailctl, struct report *report)
{
	struct why why = { 0 };
	int spool = spool_open(mailctl->settings, &why);

	if (spool < 0) {
		report_line(report, REPORT_FAIL, "queue",
		    "%s -> mailctl permissions", why.text);
		return;
	}
	check_space(mailctl->settings, spool, report);
	check_manager(spool, report);
	count_messages(spool, report);
	close(spool);
}
