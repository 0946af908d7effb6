/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/mailbox/folder.h"
#include "common/mailbox/scan.h"
#include "common/mailbox/uidvalidity.h"

/* A directory time this close to the scan is no proof of quiet (seconds). */
#define QUIET_AFTER 2

void
folder_slot_rename(struct folder_slot *slot, struct slice file, bool is_in_new)
{
	char *copy = alloc_zero(file.len + 1, 1);

	memcpy(copy, file.ptr, file.len);
	alloc_release(slot->file);
	slot->file = copy;
	slot->is_in_new = is_in_new;
}

/* What the name says now. Recent is ours and stays. */
static bool
slot_take_name(struct folder *folder, struct folder_slot *slot,
    const struct scan_file *file)
{
	struct maildir_name name;
	uint32_t flags;
	bool changed;

	maildir_name_parse(slice_of(file->file), &name);
	if (slot->file == NULL || strcmp(slot->file, file->file) != 0 ||
	    slot->is_in_new != file->is_in_new)
		folder_slot_rename(slot, slice_of(file->file), file->is_in_new);
	flags = name.flags | (slot->mail.flags & MAIL_RECENT);
	changed =
	    flags != slot->mail.flags || name.keywords != slot->mail.keywords;
	slot->mail.flags = flags;
	slot->mail.keywords = name.keywords;
	slot->generation = folder->generation;
	keywords_cover(&folder->keywords, name.keywords);
	return changed;
}

static void
slot_take_sizes(struct folder *folder, struct folder_slot *slot,
    const struct uidlist_entry *entry)
{
	struct maildir_name name;
	struct slice value;

	maildir_name_parse(slot->mail.base, &name);
	slot->mail.size = name.size;
	slot->mail.wire_size = name.wire_size;
	if (slot->mail.size == UINT64_MAX && uidlist_field(entry, 'S', &value))
		(void)slice_u64(value, INT64_MAX, &slot->mail.size);
	if (slot->mail.wire_size == UINT64_MAX &&
	    uidlist_field(entry, 'W', &value))
		(void)slice_u64(value, INT64_MAX, &slot->mail.wire_size);
	if (uidlist_field(entry, 'P', &value))
		slot->mail.uidl = arena_dup(
		    folder->arena, value.len > 0 ? value : entry->base);
}

static void
folder_push(struct folder *folder, const struct uidlist_entry *entry,
    const struct scan_file *file)
{
	struct folder_slot *slot = arena_alloc(folder->arena, sizeof(*slot));

	if (slot == NULL)
		alloc_exhausted("folder");
	slot->mail.uid = entry->uid;
	slot->mail.base = arena_slice(folder->arena, entry->base);
	if (slot->mail.base.ptr == NULL)
		alloc_exhausted("folder");
	slot_take_sizes(folder, slot, entry);
	if (file->is_recent)
		slot->mail.flags = MAIL_RECENT;
	slot_take_name(folder, slot, file);
	if (folder->count == folder->room) {
		folder->room = folder->room == 0 ? 64 : folder->room * 2;
		folder->slots = alloc_resize(
		    folder->slots, folder->room, sizeof(struct folder_slot *));
	}
	folder->slots[folder->count++] = slot;
	folder->highest = entry->uid;
	nametable_set(&folder->by_base, slot->mail.base, slot);
}

static struct folder_slot *
folder_live_slot(const struct folder *folder, struct slice base)
{
	struct folder_slot *slot = nametable_get(&folder->by_base, base);

	return slot == NULL || slot->mail.is_expunged ? NULL : slot;
}

/* The entry that may enter the view: behind all that was ever in it. */
static struct uidlist_entry *
folder_entry(const struct folder *folder, struct slice base)
{
	struct uidlist_entry *entry = uidlist_find(&folder->uids, base);

	return entry == NULL || entry->uid <= folder->highest ? NULL : entry;
}

static bool
folder_has_unknown(const struct folder *folder, const struct scan *scan)
{
	if (folder->uids.uidvalidity == 0)
		return true;
	for (size_t i = 0; i < scan->count; i++)
		if (folder_live_slot(folder, scan->files[i]->base) == NULL &&
		    folder_entry(folder, scan->files[i]->base) == NULL)
			return true;
	return false;
}

/* Order of new UIDs: seconds, microseconds, base name. */
static int
compare_arrival(const void *a, const void *b)
{
	struct slice names[2] = { (*(struct scan_file *const *)a)->base,
		(*(struct scan_file *const *)b)->base };
	uint64_t seconds[2] = { 0, 0 }, micros[2] = { 0, 0 };

	for (size_t i = 0; i < 2; i++) {
		struct slice rest = names[i];
		size_t at = 0;

		while (at < rest.len && ascii_is_digit(rest.ptr[at]))
			at++;
		(void)slice_u64(slice_first(rest, at), INT64_MAX, &seconds[i]);
		rest = slice_from(rest, at);
		if (!slice_starts(rest, S(".M")))
			continue;
		rest = slice_from(rest, 2);
		for (at = 0; at < rest.len && ascii_is_digit(rest.ptr[at]);)
			at++;
		(void)slice_u64(slice_first(rest, at), INT64_MAX, &micros[i]);
	}
	if (seconds[0] != seconds[1])
		return seconds[0] < seconds[1] ? -1 : 1;
	if (micros[0] != micros[1])
		return micros[0] < micros[1] ? -1 : 1;
	return slice_compare(names[0], names[1]);
}

/* Give the files nobody knows a UID, in memory. */
static bool
folder_assign(struct folder *folder, const struct scan *scan, struct why *why)
{
	struct scan_file **unknown =
	    alloc_zero(scan->count + 1, sizeof(struct scan_file *));
	struct uidlist_entry *old;
	size_t count = 0;
	bool ok = true;

	for (size_t i = 0; i < scan->count; i++)
		if (folder_live_slot(folder, scan->files[i]->base) == NULL &&
		    folder_entry(folder, scan->files[i]->base) == NULL)
			unknown[count++] = scan->files[i];
	qsort(unknown, count, sizeof(struct scan_file *), compare_arrival);
	for (size_t i = 0; ok && i < count; i++) {
		old = uidlist_find(&folder->uids, unknown[i]->base);
		if (old != NULL) {
			log_warning("%.*s: expunged message reappeared, "
				    "it gets a new UID",
			    SLICE_FMT(old->base));
			old->is_gone = true;
		}
		ok = uidlist_assign(&folder->uids, unknown[i]->base) != NULL ||
		     why_set(why, "the UIDs of this folder are used up");
	}
	alloc_release(unknown);
	return ok;
}

/* Dead lines over a quarter: worth a rewrite. */
static bool
folder_wants_compaction(struct folder *folder, const struct scan *scan)
{
	size_t gone = 0;

	for (size_t i = 0; i < folder->uids.count; i++) {
		struct uidlist_entry *entry = folder->uids.entries[i];

		if (!entry->is_gone && scan_find(scan, entry->base) == NULL)
			entry->is_gone = true;
		if (entry->is_gone)
			gone++;
	}
	return gone * 4 > folder->uids.count;
}

static bool
folder_scan(struct folder *folder, struct scan *scan, struct why *why)
{
	struct stat status;

	folder->generation++;
	folder->scanned = time(NULL);
	if (fstatat(folder->fd, "new", &status, 0) == 0)
		folder->new_time = status.st_mtim;
	if (fstatat(folder->fd, "cur", &status, 0) == 0)
		folder->cur_time = status.st_mtim;
	return scan_new(scan, folder->fd, !folder->is_read_only, why) &&
	       scan_cur(scan, folder->fd, why);
}

/*
 * Under the lock: what others gave UIDs meanwhile is read first. When the
 * list cannot be written (full disk, no permission) the UIDs hold for this
 * session only; the mail is shown all the same.
 */
static bool
folder_learn_locked(struct folder *folder, struct scan *scan, struct why *why)
{
	size_t first;
	bool ok;

	if (!uidlist_read(&folder->uids, folder->fd, why) ||
	    !scan_cur(scan, folder->fd, why))
		return false;
	if (folder->uids.uidvalidity == 0)
		folder->uids.uidvalidity = uidvalidity_next(folder->root_fd);
	first = folder->uids.count;
	if (!folder_assign(folder, scan, why))
		return false;
	if (folder_wants_compaction(folder, scan))
		folder->uids.is_damaged = true;
	ok = uidlist_save(&folder->uids, folder->fd, first, why);
	if (!ok)
		log_warning("%s; UIDs hold for this session only", why->text);
	return true;
}

static bool
folder_learn(struct folder *folder, struct scan *scan, struct why *why)
{
	bool has_lock = uidlist_lock(folder->fd, why), ok;

	if (!has_lock && why->error == EAGAIN && folder->uids.uidvalidity != 0)
		return true;
	if (!has_lock && why->error == EAGAIN)
		return false;
	ok = folder_learn_locked(folder, scan, why);
	if (has_lock)
		uidlist_unlock(folder->fd);
	return ok;
}

static int
compare_entries(const void *a, const void *b)
{
	const struct uidlist_entry *left = *(struct uidlist_entry *const *)a;
	const struct uidlist_entry *right = *(struct uidlist_entry *const *)b;

	return left->uid < right->uid ? -1 : left->uid > right->uid;
}

/* Known slots take their names of now, new entries go behind them. */
static bool
folder_merge(struct folder *folder, const struct scan *scan)
{
	struct uidlist_entry **fresh =
	    alloc_zero(scan->count + 1, sizeof(struct uidlist_entry *));
	struct folder_slot *slot;
	size_t count = 0;
	bool changed = false;

	for (size_t i = 0; i < scan->count; i++) {
		slot = folder_live_slot(folder, scan->files[i]->base);
		if (slot != NULL &&
		    slot_take_name(folder, slot, scan->files[i])) {
			slot->mail.is_changed = true;
			changed = true;
		}
		if (slot == NULL)
			fresh[count] =
			    folder_entry(folder, scan->files[i]->base);
		if (slot == NULL && fresh[count] != NULL)
			count++;
	}
	qsort(fresh, count, sizeof(struct uidlist_entry *), compare_entries);
	for (size_t i = 0; i < count; i++)
		folder_push(folder, fresh[i], scan_find(scan, fresh[i]->base));
	alloc_release(fresh);
	return changed || count > 0;
}

static bool
folder_has_missing(const struct folder *folder)
{
	for (size_t i = 0; i < folder->count; i++)
		if (folder->slots[i]->generation != folder->generation &&
		    !folder->slots[i]->mail.is_expunged)
			return true;
	return false;
}

/* A file that one reading of the directory missed is not gone yet: readdir
 * may pass over an entry that is being renamed. Look once more. */
static bool
folder_find_missing(struct folder *folder, bool *changed, struct why *why)
{
	struct scan again;
	bool ok;

	if (!folder_has_missing(folder))
		return true;
	scan_init(&again);
	ok = scan_new(&again, folder->fd, false, why) &&
	     scan_cur(&again, folder->fd, why);
	for (size_t i = 0; ok && i < folder->count; i++) {
		struct folder_slot *slot = folder->slots[i];
		struct scan_file *file;

		if (slot->generation == folder->generation ||
		    slot->mail.is_expunged)
			continue;
		file = scan_find(&again, slot->mail.base);
		if (file == NULL)
			slot->mail.is_expunged = true;
		else if (slot_take_name(folder, slot, file))
			slot->mail.is_changed = true;
		*changed = true;
	}
	scan_clear(&again);
	return ok;
}

bool
folder_update(struct folder *folder, bool *changed, struct why *why)
{
	uint32_t uidvalidity = folder->uids.uidvalidity;
	struct why ignored = { 0 };
	struct scan scan;
	bool ok;

	*changed = false;
	if (why == NULL)
		why = &ignored;
	scan_init(&scan);
	ok = uidlist_read(&folder->uids, folder->fd, why) &&
	     keywords_read(&folder->keywords, folder->fd, why) &&
	     folder_scan(folder, &scan, why);
	if (ok && folder_has_unknown(folder, &scan))
		ok = folder_learn(folder, &scan, why);
	if (ok && uidvalidity != 0 && folder->uids.uidvalidity != uidvalidity)
		ok = why_set(why, "the folder was made again");
	if (ok) {
		*changed = folder_merge(folder, &scan);
		ok = folder_find_missing(folder, changed, why);
	}
	scan_clear(&scan);
	return ok;
}

static void
folder_drain_watch(struct folder *folder)
{
	_Alignas(8) char events[4096];

	while (folder->watch >= 0 &&
	       read(folder->watch, events, sizeof(events)) > 0)
		;
}

static bool
directory_is_quiet(
    const struct folder *folder, const char *part, const struct timespec *then)
{
	struct stat status;

	return fstatat(folder->fd, part, &status, 0) == 0 &&
	       status.st_mtim.tv_sec == then->tv_sec &&
	       status.st_mtim.tv_nsec == then->tv_nsec &&
	       folder->scanned - then->tv_sec > QUIET_AFTER;
}

bool
folder_refresh(struct folder *folder, bool *changed, struct why *why)
{
	*changed = false;
	folder_drain_watch(folder);
	if (directory_is_quiet(folder, "new", &folder->new_time) &&
	    directory_is_quiet(folder, "cur", &folder->cur_time))
		return true;
	return folder_update(folder, changed, why);
}
