/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailbox/uidlist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fault.h"
#include "common/fsutil.h"
#include "common/io.h"
#include "common/mailbox/dotlock.h"

#define UIDLIST_TMP "dovecot-uidlist.tmp"

void
uidlist_init(struct uidlist *list)
{
	memset(list, 0, sizeof(*list));
	list->arena = arena_new("uidlist", (size_t)2 * UIDLIST_SIZE);
	list->next = 1;
}

void
uidlist_clear(struct uidlist *list)
{
	nametable_clear(&list->by_base);
	alloc_release(list->entries);
	arena_free(&list->arena);
	memset(list, 0, sizeof(*list));
}

struct uidlist_entry *
uidlist_find(const struct uidlist *list, struct slice base)
{
	struct uidlist_entry *entry = nametable_get(&list->by_base, base);

	return entry == NULL || entry->is_gone ? NULL : entry;
}

bool
uidlist_field(const struct uidlist_entry *entry, char key, struct slice *value)
{
	struct slice rest = entry->fields, token;

	while (slice_token(&rest, S(" "), &token)) {
		if (token.ptr[0] != key)
			continue;
		*value = slice_from(token, 1);
		return true;
	}
	return false;
}

/* Slices are copied. NULL when memory ran into the ceiling. */
static struct uidlist_entry *
uidlist_push(
    struct uidlist *list, uint32_t uid, struct slice fields, struct slice base)
{
	struct uidlist_entry *entry = arena_alloc(list->arena, sizeof(*entry));

	if (entry == NULL)
		return NULL;
	entry->uid = uid;
	entry->fields = arena_slice(list->arena, fields);
	entry->base = arena_slice(list->arena, base);
	if (entry->base.ptr == NULL || entry->fields.ptr == NULL)
		return NULL;
	if (list->count == list->room) {
		list->room = list->room == 0 ? 64 : list->room * 2;
		list->entries = alloc_resize(
		    list->entries, list->room, sizeof(struct uidlist_entry *));
	}
	list->entries[list->count++] = entry;
	nametable_set(&list->by_base, entry->base, entry);
	if (list->next <= uid)
		list->next = uid + 1;
	return entry;
}

struct uidlist_entry *
uidlist_assign(struct uidlist *list, struct slice base)
{
	if (list->next >= UINT32_MAX)
		return NULL;
	return uidlist_push(list, list->next, S(""), base);
}

/* "[ <KEY><value>]... :<name>"; version 1 has the name alone. */
static bool
parse_fields(struct slice rest, struct slice *fields, struct slice *base)
{
	size_t start = 0, end;

	while (start < rest.len && rest.ptr[start] != ':') {
		if (rest.ptr[start] < 'A' || rest.ptr[start] > 'Z')
			return false;
		end = start + slice_index(slice_from(rest, start), ' ');
		if (end == rest.len)
			return false;
		start = end + 1;
	}
	*fields = slice_trim(slice_first(rest, start));
	*base = slice_from(rest, start + 1);
	return true;
}

static bool
uidlist_parse_record(struct uidlist *list, struct slice line, bool is_old)
{
	struct slice number, rest, fields = S(""), base;
	uint64_t uid;

	if (!slice_cut(line, ' ', &number, &rest) ||
	    !slice_u64(number, UINT32_MAX - 2, &uid) || uid == 0)
		return false;
	base = rest;
	if (!is_old && !parse_fields(rest, &fields, &base))
		return false;
	base = slice_first(base, slice_index(base, ':'));
	if (base.len == 0 || slice_index(base, '/') < base.len ||
	    slice_index(base, '\0') < base.len)
		return false;
	if (list->count > 0 && uid <= list->entries[list->count - 1]->uid)
		return false;
	return uidlist_push(list, (uint32_t)uid, fields, base) != NULL;
}

/* Header of version 3, behind "3 ". V and N, others kept as they are. */
static bool
uidlist_parse_header(struct uidlist *list, struct slice rest)
{
	struct buf extra;
	struct slice token;
	uint64_t value;

	buf_init(&extra, 4096);
	while (slice_token(&rest, S(" "), &token)) {
		char key = token.ptr[0];

		if (key != 'V' && key != 'N') {
			if (extra.len > 0)
				buf_add_char(&extra, ' ');
			buf_add(&extra, token);
		} else if (slice_u64(
			       slice_from(token, 1), UINT32_MAX - 2, &value)) {
			*(key == 'V' ? &list->uidvalidity : &list->next) =
			    (uint32_t)value;
		}
	}
	if (!extra.failed)
		list->extra = arena_slice(list->arena, buf_slice(&extra));
	buf_free(&extra);
	return list->uidvalidity != 0 && list->next != 0;
}

/* "1 <uidvalidity> <next>" or "3 V.. N.. G..". */
static bool
uidlist_parse_first(struct uidlist *list, struct slice line, bool *is_old)
{
	struct slice version, rest, first, second;
	uint64_t uidvalidity, next;

	slice_cut(line, ' ', &version, &rest);
	*is_old = slice_eq(version, S("1"));
	if (slice_eq(version, S("3")))
		return uidlist_parse_header(list, rest);
	if (!*is_old || !slice_cut(rest, ' ', &first, &second) ||
	    !slice_u64(first, UINT32_MAX - 2, &uidvalidity) ||
	    !slice_u64(slice_trim(second), UINT32_MAX - 2, &next) ||
	    uidvalidity == 0 || next == 0)
		return false;
	list->uidvalidity = (uint32_t)uidvalidity;
	list->next = (uint32_t)next;
	list->is_damaged = true; /* written as version 3 at the next change */
	return true;
}

size_t
uidlist_parse(struct uidlist *list, struct slice text)
{
	bool has_header = list->uidvalidity != 0, is_old = false;
	size_t used = 0, end;
	struct slice line;

	for (;;) {
		line = slice_from(text, used);
		end = slice_index(line, '\n');
		if (end == line.len)
			return used;
		line = slice_first(line, end);
		used += end + 1;
		if (has_header) {
			if (!uidlist_parse_record(list, line, is_old))
				list->is_damaged = true;
			continue;
		}
		has_header = true;
		if (!uidlist_parse_first(list, line, &is_old)) {
			list->uidvalidity = 0;
			list->next = 1;
			list->is_damaged = true;
			return text.len;
		}
	}
}

static void
uidlist_restart(struct uidlist *list)
{
	struct uidlist_entry **entries = list->entries;
	size_t room = list->room;
	struct arena *arena = list->arena;

	nametable_clear(&list->by_base);
	memset(list, 0, sizeof(*list));
	arena_reset(arena);
	list->arena = arena;
	list->entries = entries;
	list->room = room;
	list->next = 1;
}

/* Read what fd has from list->parsed on. */
static bool
uidlist_read_rest(struct uidlist *list, int fd, struct why *why)
{
	struct buf text;
	size_t used;
	bool ok;

	buf_init(&text, UIDLIST_SIZE);
	ok = lseek(fd, (off_t)list->parsed, SEEK_SET) >= 0 &&
	     fs_read_fd(fd, &text, why);
	if (!ok) {
		why_context(why, "cannot read " UIDLIST_FILE);
	} else {
		used = uidlist_parse(list, buf_slice(&text));
		list->parsed += used;
		/* A torn last line: the next change rewrites. */
		if (used < text.len)
			list->is_damaged = true;
	}
	buf_free(&text);
	return ok;
}

static bool
uidlist_read_fd(struct uidlist *list, int fd, struct why *why)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return why_errno(why, "cannot stat " UIDLIST_FILE);
	if (!list->is_read || status.st_dev != list->device ||
	    status.st_ino != list->inode ||
	    (uint64_t)status.st_size < list->parsed) {
		uidlist_restart(list);
		list->device = status.st_dev;
		list->inode = status.st_ino;
		list->is_read = true;
	}
	if ((uint64_t)status.st_size == list->parsed)
		return true;
	return uidlist_read_rest(list, fd, why);
}

bool
uidlist_read(struct uidlist *list, int dirfd, struct why *why)
{
	int fd = openat(dirfd, UIDLIST_FILE, O_RDONLY | O_CLOEXEC);
	bool is_ours = fd >= 0, ok;

	if (fd < 0 && errno == ENOENT)
		fd = openat(dirfd, UIDLIST_COURIER, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		return why_errno(why, "cannot open " UIDLIST_FILE);
	if (fd < 0) {
		if (list->is_read)
			uidlist_restart(list);
		return true;
	}
	ok = uidlist_read_fd(list, fd, why);
	if (!is_ours)
		list->is_damaged = true;
	close(fd);
	return ok;
}

static bool
uidlist_format_entry(const struct uidlist_entry *entry, struct buf *out)
{
	char number[16];

	snprintf(number, sizeof(number), "%u ", entry->uid);
	buf_add_string(out, number);
	if (entry->fields.len > 0) {
		buf_add(out, entry->fields);
		buf_add_char(out, ' ');
	}
	buf_add_char(out, ':');
	buf_add(out, entry->base);
	return buf_add_char(out, '\n');
}

static void
uidlist_add_guid(struct buf *out)
{
	unsigned char bytes[16] = { 0 };
	ssize_t got = getrandom(bytes, sizeof(bytes), 0);

	(void)got;
	buf_add_char(out, 'G');
	for (size_t i = 0; i < sizeof(bytes); i++)
		buf_add_format(out, "%02x", bytes[i]);
}

bool
uidlist_format(const struct uidlist *list, struct buf *out)
{
	buf_add_format(out, "3 V%u N%u ", list->uidvalidity, list->next);
	if (list->extra.len > 0)
		buf_add(out, list->extra);
	else
		uidlist_add_guid(out);
	buf_add_char(out, '\n');
	for (size_t i = 0; i < list->count; i++)
		if (!list->entries[i]->is_gone)
			uidlist_format_entry(list->entries[i], out);
	return !out->failed;
}

bool
uidlist_lock(int dirfd, struct why *why)
{
	return dotlock_take(
	    dirfd, UIDLIST_LOCK, io_deadline(UIDLIST_LOCK_WAIT), why);
}

void
uidlist_unlock(int dirfd)
{
	dotlock_release(dirfd, UIDLIST_LOCK);
}

static bool
uidlist_append(struct uidlist *list, int dirfd, size_t first, struct why *why)
{
	int fd = openat(dirfd, UIDLIST_FILE, O_WRONLY | O_APPEND | O_CLOEXEC);
	struct buf text;
	bool ok;

	if (fd < 0)
		return why_errno(why, "cannot append to " UIDLIST_FILE);
	buf_init(&text, UIDLIST_SIZE);
	for (size_t i = first; i < list->count; i++)
		uidlist_format_entry(list->entries[i], &text);
	ok = !text.failed && fs_write_all(fd, buf_slice(&text), why);
	if (ok && fdatasync(fd) != 0)
		ok = why_errno(why, "cannot sync " UIDLIST_FILE);
	fault_point("U1");
	if (ok)
		list->parsed += text.len;
	else
		list->is_damaged = true;
	buf_free(&text);
	close(fd);
	return ok;
}

bool
uidlist_save(struct uidlist *list, int dirfd, size_t first, struct why *why)
{
	if (list->is_damaged || !list->is_read)
		return uidlist_rewrite(list, dirfd, why);
	if (first == list->count)
		return true;
	return uidlist_append(list, dirfd, first, why);
}

static bool
uidlist_write_tmp(struct uidlist *list, int dirfd, int fd, struct why *why)
{
	struct stat status;
	struct buf text;
	bool ok;

	buf_init(&text, UIDLIST_SIZE);
	ok = uidlist_format(list, &text) ||
	     why_set(why, UIDLIST_FILE " would be too large");
	ok = ok && fs_write_all(fd, buf_slice(&text), why);
	if (ok && (fdatasync(fd) != 0 || fstat(fd, &status) != 0))
		ok = why_errno(why, "cannot sync " UIDLIST_TMP);
	if (ok && renameat(dirfd, UIDLIST_TMP, dirfd, UIDLIST_FILE) != 0)
		ok = why_errno(why, "cannot replace " UIDLIST_FILE);
	fault_point("U2");
	if (ok) {
		list->parsed = text.len;
		list->device = status.st_dev;
		list->inode = status.st_ino;
	}
	buf_free(&text);
	return ok;
}

bool
uidlist_rewrite(struct uidlist *list, int dirfd, struct why *why)
{
	bool ok;
	int fd;

	(void)unlinkat(dirfd, UIDLIST_TMP, 0);
	fd = openat(dirfd, UIDLIST_TMP,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return why_errno(why, "cannot make " UIDLIST_TMP);
	ok = uidlist_write_tmp(list, dirfd, fd, why);
	close(fd);
	if (!ok) {
		(void)unlinkat(dirfd, UIDLIST_TMP, 0);
		return false;
	}
	(void)fs_sync_directory(dirfd);
	fault_point("U3");
	list->is_damaged = false;
	list->is_read = true;
	return true;
}
