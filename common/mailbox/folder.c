/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailbox/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_SYS_INOTIFY_H
#include <sys/inotify.h>
#endif

#include "common/alloc.h"
#include "common/mailbox/store.h"

#define FOLDER_MEMORY ((size_t)1 << 30)

struct folder *
folder_open_at(
    int root_fd, const char *path, bool is_read_only, struct why *why)
{
	struct folder *folder;
	bool changed;
	int fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		if (errno == ENOENT)
			store_refuse(
			    why, "NONEXISTENT", "there is no such folder");
		else
			why_errno(why, "cannot open the folder");
		return NULL;
	}
	folder = alloc_zero(1, sizeof(*folder));
	folder->fd = fd;
	folder->root_fd = root_fd;
	folder->watch = -1;
	folder->is_read_only = is_read_only;
	folder->arena = arena_new("folder", FOLDER_MEMORY);
	uidlist_init(&folder->uids);
	if (!folder_update(folder, &changed, why))
		folder_close(&folder);
	return folder;
}

void
folder_close(struct folder **folder)
{
	struct folder *old = *folder;

	if (old == NULL)
		return;
	for (size_t i = 0; i < old->count; i++)
		alloc_release(old->slots[i]->file);
	alloc_release(old->slots);
	nametable_clear(&old->by_base);
	uidlist_clear(&old->uids);
	keywords_clear(&old->keywords);
	arena_free(&old->arena);
	if (old->watch >= 0)
		close(old->watch);
	close(old->fd);
	alloc_release(old);
	*folder = NULL;
}

uint32_t
folder_uidvalidity(const struct folder *folder)
{
	return folder->uids.uidvalidity;
}

uint32_t
folder_uidnext(const struct folder *folder)
{
	return folder->uids.next;
}

size_t
folder_count(const struct folder *folder)
{
	return folder->count;
}

struct mail *
folder_mail(struct folder *folder, size_t index)
{
	BUG_UNLESS(index < folder->count);
	return &folder->slots[index]->mail;
}

size_t
folder_find_uid(const struct folder *folder, uint32_t uid)
{
	size_t low = 0, high = folder->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (folder->slots[middle]->mail.uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t
folder_recent_count(const struct folder *folder)
{
	size_t recent = 0;

	for (size_t i = 0; i < folder->count; i++)
		if ((folder->slots[i]->mail.flags & MAIL_RECENT) != 0)
			recent++;
	return recent;
}

void
folder_forget(struct folder *folder, size_t index)
{
	struct folder_slot *slot = folder->slots[index];

	BUG_UNLESS(index < folder->count && slot->mail.is_expunged);
	if (nametable_get(&folder->by_base, slot->mail.base) == slot)
		nametable_set(&folder->by_base, slot->mail.base, NULL);
	alloc_release(slot->file);
	slot->file = NULL;
	folder->count--;
	memmove(&folder->slots[index], &folder->slots[index + 1],
	    (folder->count - index) * sizeof(struct folder_slot *));
}

const char *
folder_keyword(const struct folder *folder, size_t number)
{
	if (number >= folder->keywords.count)
		return NULL;
	return folder->keywords.names[number];
}

int
folder_watch(struct folder *folder)
{
#ifdef HAVE_SYS_INOTIFY_H
	const uint32_t events =
	    IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR;
	char path[64];

	if (folder->watch >= 0)
		return folder->watch;
	folder->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (folder->watch < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", folder->fd,
		    i == 0 ? "new" : "cur");
		if (inotify_add_watch(folder->watch, path, events) < 0) {
			close(folder->watch);
			folder->watch = -1;
			break;
		}
	}
	return folder->watch;
#else
	return folder->watch;
#endif
}
