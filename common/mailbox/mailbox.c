/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailbox/mailbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fsutil.h"
#include "common/mailbox/folder.h"
#include "common/mailbox/mutf7.h"
#include "common/mailbox/store.h"
#include "common/mailbox/uidvalidity.h"

bool
store_refuse(struct why *why, const char *code, const char *text)
{
	why_set(why, "%s", text);
	if (why != NULL)
		snprintf(why->status, sizeof(why->status), "%s", code);
	return false;
}

struct mailbox *
mailbox_open(const struct user *user, struct why *why)
{
	size_t length = strlen(user->mail);
	struct mailbox *mailbox;
	int fd;

	if (length == 0 || user->mail[length - 1] != '/') {
		why_set(why, "%s is an mbox file, not a Maildir", user->mail);
		return NULL;
	}
	fd = maildir_open(user->mail, true, why);
	if (fd < 0)
		return NULL;
	mailbox = alloc_zero(1, sizeof(*mailbox));
	mailbox->fd = fd;
	return mailbox;
}

void
mailbox_close(struct mailbox **mailbox)
{
	if (*mailbox == NULL)
		return;
	close((*mailbox)->fd);
	alloc_release(*mailbox);
	*mailbox = NULL;
}

bool
store_is_inbox(struct slice name)
{
	return slice_eq_nocase(name, S("INBOX"));
}

static bool
name_is_valid(struct slice name)
{
	bool is_start = true;
	uint32_t code;

	while (name.len > 0) {
		if (!utf8_next(&name, &code) || code < 0x20 || code == 0x7f ||
		    code == '.' || (code == '/' && is_start))
			return false;
		is_start = code == '/';
	}
	return !is_start;
}

/* "." and the name with dots for slashes. */
static bool
disk_name(struct slice name, bool is_encoded, char path[STORE_PATH_SIZE])
{
	struct buf out;
	bool ok;

	buf_init(&out, STORE_NAME_MAX);
	buf_add_char(&out, '.');
	if (slice_starts_nocase(name, S("INBOX/"))) {
		buf_add(&out, S("INBOX"));
		name = slice_from(name, 5);
	}
	ok = is_encoded ? mutf7_encode(name, &out) : buf_add(&out, name);
	ok = ok && slice_to_array(buf_slice(&out), path, STORE_PATH_SIZE);
	buf_free(&out);
	for (char *c = path; ok && *c != '\0'; c++)
		if (*c == '/')
			*c = '.';
	return ok;
}

bool
store_path_exists(const struct mailbox *mailbox, const char *path)
{
	struct stat status;

	return fstatat(mailbox->fd, path, &status, 0) == 0 &&
	       S_ISDIR(status.st_mode);
}

bool
store_path(const struct mailbox *mailbox, struct slice name,
    char path[STORE_PATH_SIZE], struct why *why)
{
	char plain[STORE_PATH_SIZE];

	if (store_is_inbox(name))
		return slice_to_array(S("."), path, STORE_PATH_SIZE);
	if (!name_is_valid(name))
		return store_refuse(why, "CANNOT",
		    "a folder name has no empty part, no dot and no control "
		    "character");
	if (!disk_name(name, true, path))
		return store_refuse(why, "CANNOT", "the name is too long");
	if (!store_path_exists(mailbox, path) &&
	    disk_name(name, false, plain) && store_path_exists(mailbox, plain))
		memcpy(path, plain, STORE_PATH_SIZE);
	return true;
}

bool
store_name(const char *directory, struct buf *name)
{
	struct slice raw = slice_of(directory);
	struct buf text;
	bool ok;

	buf_init(&text, 4096);
	if (raw.len < 2 || raw.ptr[0] != '.' || raw.ptr[1] == '.' ||
	    raw.ptr[raw.len - 1] == '.' || slice_find(raw, S("..")) < raw.len)
		return false;
	buf_add(&text, slice_from(raw, 1));
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '.')
			text.ptr[i] = '/';
	buf_clear(name);
	ok = mutf7_decode(buf_slice(&text), name);
	if (!ok) {
		buf_clear(name);
		ok = buf_add(name, buf_slice(&text));
	}
	buf_free(&text);
	return ok && name_is_valid(buf_slice(name));
}

bool
store_each(const struct mailbox *mailbox, store_directory_fn *each,
    void *context, struct why *why)
{
	int fd = openat(mailbox->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	char cur[300];
	bool ok = true;

	if (directory == NULL) {
		why_errno(why, "cannot list the folders");
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (ok && (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] != '.' || entry->d_name[1] == '.' ||
		    entry->d_name[1] == '\0')
			continue;
		snprintf(cur, sizeof(cur), "%s/cur", entry->d_name);
		if (store_path_exists(mailbox, cur))
			ok = each(context, entry->d_name);
	}
	closedir(directory);
	return ok;
}

bool
mailbox_exists(struct mailbox *mailbox, struct slice name)
{
	char path[STORE_PATH_SIZE];

	return store_path(mailbox, name, path, NULL) &&
	       store_path_exists(mailbox, path);
}

/* A UID list with a fresh UIDVALIDITY, so that a name made again is a new
 * folder to every client. */
static bool
store_make_uidlist(const struct mailbox *mailbox, int fd, struct why *why)
{
	struct uidlist list;
	bool ok;

	uidlist_init(&list);
	list.uidvalidity = uidvalidity_next(mailbox->fd);
	ok = uidlist_rewrite(&list, fd, why);
	uidlist_clear(&list);
	return ok;
}

bool
store_make(const struct mailbox *mailbox, const char *path, struct why *why)
{
	static const char *const parts[] = { "tmp", "new", "cur" };
	int fd, file;
	bool ok = true;

	if (mkdirat(mailbox->fd, path, 0700) != 0) {
		if (errno == EEXIST)
			return store_refuse(why, "ALREADYEXISTS",
			    "a folder of that name exists");
		return why_errno(why, "cannot make the folder");
	}
	fd = openat(mailbox->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return why_errno(why, "cannot open the folder");
	file =
	    openat(fd, "maildirfolder", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (file >= 0)
		close(file);
	for (size_t i = 0; ok && i < 3; i++)
		ok = mkdirat(fd, parts[i], 0700) == 0 ||
		     why_errno(why, "cannot make %s", parts[i]);
	ok = ok && store_make_uidlist(mailbox, fd, why);
	close(fd);
	(void)fs_sync_directory(mailbox->fd);
	return ok;
}

bool
mailbox_create(struct mailbox *mailbox, struct slice name, struct why *why)
{
	char path[STORE_PATH_SIZE];

	if (store_is_inbox(name))
		return store_refuse(
		    why, "ALREADYEXISTS", "INBOX exists always");
	return store_path(mailbox, name, path, why) &&
	       store_make(mailbox, path, why);
}

struct folder *
folder_open(struct mailbox *mailbox, struct slice name, bool is_read_only,
    struct why *why)
{
	char path[STORE_PATH_SIZE];

	if (!store_path(mailbox, name, path, why))
		return NULL;
	return folder_open_at(mailbox->fd, path, is_read_only, why);
}

bool
mailbox_status(struct mailbox *mailbox, struct slice name,
    struct folder_status *out, struct why *why)
{
	struct folder *folder = folder_open(mailbox, name, true, why);

	if (folder == NULL)
		return false;
	memset(out, 0, sizeof(*out));
	out->messages = (uint32_t)folder_count(folder);
	out->recent = (uint32_t)folder_recent_count(folder);
	out->uidnext = folder_uidnext(folder);
	out->uidvalidity = folder_uidvalidity(folder);
	for (size_t i = 0; i < folder->count; i++)
		if ((folder->slots[i]->mail.flags & MAIL_SEEN) == 0)
			out->unseen++;
	folder_close(&folder);
	return true;
}
