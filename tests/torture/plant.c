/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/torture/plant.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/spool_layout.h"

static const struct {
	const char *word;
	enum plant_kind kind;
} plant_words[] = {
	{ "skip", PLANT_SKIP },
	{ "late", PLANT_LATE },
	{ "unlink", PLANT_UNLINK },
	{ "mark", PLANT_MARK },
};

bool
plant_parse(struct plant *plant, const char *text)
{
	const char *call = strchr(text, ':'), *word;

	if (call == NULL || (word = strchr(call + 1, ':')) == NULL)
		return false;
	snprintf(
	    plant->name, sizeof(plant->name), "%.*s", (int)(call - text), text);
	snprintf(plant->call, sizeof(plant->call), "%.*s",
	    (int)(word - call - 1), call + 1);
	for (size_t i = 0; i < sizeof(plant_words) / sizeof(plant_words[0]);
	     i++)
		if (strcmp(plant_words[i].word, word + 1) == 0)
			plant->kind = plant_words[i].kind;
	return plant->kind != PLANT_NOTHING;
}

static void
mark_file(int bucket, const char *name)
{
	char header[SPOOL_HEADER_SIZE];
	int fd = openat(bucket, name, O_RDWR | O_CLOEXEC);
	uint64_t count;

	if (fd < 0)
		return;
	if (pread(fd, header, sizeof(header), 0) == SPOOL_HEADER_SIZE) {
		count = spool_get(header + HEADER_COUNT, 4);
		for (uint64_t i = 0; i < count; i++)
			(void)!pwrite(fd, "D", 1,
			    (off_t)(SPOOL_SLOTS_OFFSET + i * SPOOL_SLOT_SIZE));
	}
	close(fd);
}

static void
spoil_bucket(const char *queue, unsigned int number, enum plant_kind kind)
{
	char path[512];
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof(path), "%s/%02x", queue, number);
	directory = opendir(path);
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (kind == PLANT_UNLINK)
			unlinkat(dirfd(directory), entry->d_name, 0);
		else
			mark_file(dirfd(directory), entry->d_name);
	}
	if (directory != NULL)
		closedir(directory);
}

/* A descriptor of the process, or what stands for the working directory. */
static int
borrow_directory(const struct tracee *tracee, unsigned long fd)
{
	char path[64];

	if ((int)fd == AT_FDCWD)
		snprintf(path, sizeof(path), "/proc/%d/cwd", (int)tracee->pid);
	else
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tracee->pid,
		    (int)fd);
	return open(path, O_PATH | O_CLOEXEC);
}

static void
put_off(struct tracee *tracee)
{
	const unsigned long *a = tracee->arguments;

	tracee->late = tracee->call;
	tracee->late_from = borrow_directory(tracee, a[0]);
	tracee->late_to = -1;
	tracee_read_string(
	    tracee, a[1], tracee->late_old, sizeof(tracee->late_old));
	if (tracee->call->number == SYS_unlinkat)
		return;
	tracee->late_to = borrow_directory(tracee, a[2]);
	tracee_read_string(
	    tracee, a[3], tracee->late_new, sizeof(tracee->late_new));
}

static void
make_late_call(struct tracee *tracee)
{
	long number = tracee->late->number;

	if (number == SYS_unlinkat)
		unlinkat(tracee->late_from, tracee->late_old, 0);
	else if (number == SYS_linkat)
		(void)!linkat(tracee->late_from, tracee->late_old,
		    tracee->late_to, tracee->late_new, 0);
	else
		renameat(tracee->late_from, tracee->late_old, tracee->late_to,
		    tracee->late_new);
	close(tracee->late_from);
	if (tracee->late_to >= 0)
		close(tracee->late_to);
}

bool
plant_enter(struct plant *plant, struct tracee *tracee)
{
	if (plant->kind == PLANT_NOTHING ||
	    strcmp(plant->name, tracee->name) != 0 ||
	    strcmp(plant->call, tracee->call->name) != 0)
		return false;
	if (plant->kind == PLANT_LATE) {
		put_off(tracee);
		plant->late = tracee;
	}
	if (plant->kind == PLANT_SKIP || plant->kind == PLANT_LATE) {
		tracee_skip_call(tracee, 0);
		return true;
	}
	for (unsigned int i = 0; i < 256; i++)
		spoil_bucket(plant->queue, i, plant->kind);
	return true;
}

static bool
is_reply(const struct tracee *tracee)
{
	unsigned int kinds = CALL_CHANGES | CALL_SLOW;

	return (tracee->call->kinds & kinds) == kinds &&
	       tracee_is_stream(tracee, tracee->arguments[0]);
}

void
plant_step(struct plant *plant, struct tracee *tracee)
{
	struct tracee *late = plant->late;

	if (late == NULL)
		return;
	if (tracee == late && is_reply(tracee))
		plant->has_replied = true;
	if (tracee != late && plant->has_replied && is_reply(tracee) &&
	    ++plant->replies == 2) {
		make_late_call(late);
		plant->late = NULL;
	}
}
