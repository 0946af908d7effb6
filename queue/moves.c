/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/moves.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "common/alloc.h"
#include "common/buf.h"
#include "common/fsutil.h"

#define LINE_SIZE (SPOOL_ID_SIZE + MOVES_NEXTHOP_SIZE)
#define FILE_MAX  ((size_t)MOVES_MAX * LINE_SIZE)

/* Where id is, or belongs. */
static size_t
find_place(const struct moves *moves, const char *id)
{
	size_t low = 0, high = moves->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(moves->items[middle].id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_at(const struct moves *moves, size_t place, const char *id)
{
	return place < moves->count && strcmp(moves->items[place].id, id) == 0;
}

const char *
moves_find(const struct moves *moves, const char *id)
{
	size_t place = find_place(moves, id);

	return is_at(moves, place, id) ? moves->items[place].nexthop : NULL;
}

static void
remove_at(struct moves *moves, size_t place)
{
	struct move *item = &moves->items[place];

	alloc_release(item->nexthop);
	memmove(item, item + 1, (--moves->count - place) * sizeof(*item));
}

static bool
add_at(struct moves *moves, size_t place, const char *id, const char *nexthop)
{
	struct move *item;

	if (moves->count == MOVES_MAX)
		return false;
	if (moves->count == moves->size) {
		moves->size = moves->size == 0 ? 64 : moves->size * 2;
		moves->items = alloc_resize(
		    moves->items, moves->size, sizeof(*moves->items));
	}
	item = &moves->items[place];
	memmove(item + 1, item, (moves->count++ - place) * sizeof(*item));
	memcpy(item->id, id, SPOOL_ID_SIZE);
	item->nexthop = alloc_string(nexthop);
	return true;
}

bool
moves_set(struct moves *moves, const char *id, const char *nexthop)
{
	size_t place = find_place(moves, id);

	if (is_at(moves, place, id))
		remove_at(moves, place);
	return nexthop == NULL || add_at(moves, place, id, nexthop);
}

void
moves_clear(struct moves *moves)
{
	for (size_t i = 0; i < moves->count; i++)
		alloc_release(moves->items[i].nexthop);
	alloc_release(moves->items);
	memset(moves, 0, sizeof(*moves));
}

static void
take_line(struct moves *moves, struct slice line)
{
	char id[SPOOL_ID_SIZE], nexthop[MOVES_NEXTHOP_SIZE];
	struct slice first;

	if (slice_cut(line, ' ', &first, &line) && spool_id_is_valid(first) &&
	    slice_to_array(first, id, sizeof(id)) && line.len > 0 &&
	    slice_to_array(line, nexthop, sizeof(nexthop)))
		(void)moves_set(moves, id, nexthop);
}

bool
moves_load(struct moves *moves, const char *path, struct why *why)
{
	struct buf text;
	struct slice rest, line;
	bool ok;

	moves_clear(moves);
	buf_init(&text, FILE_MAX);
	ok = fs_read_file(AT_FDCWD, path, &text, why) || errno == ENOENT;
	rest = buf_slice(&text);
	while (ok && slice_token(&rest, S("\n"), &line))
		take_line(moves, line);
	buf_free(&text);
	return ok;
}

bool
moves_save(const struct moves *moves, int spool_fd, struct why *why)
{
	char path[SPOOL_PATH_SIZE];
	struct stat status;
	struct buf text;
	bool ok;

	buf_init(&text, FILE_MAX);
	for (size_t i = 0; i < moves->count; i++) {
		spool_path(moves->items[i].id, path);
		if (fstatat(spool_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0)
			buf_add_format(&text, "%s %s\n", moves->items[i].id,
			    moves->items[i].nexthop);
	}
	ok = fs_replace(spool_fd, MOVES_FILE, buf_slice(&text), 0600, why);
	buf_free(&text);
	return ok;
}
