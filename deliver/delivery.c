/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fsutil.h"
#include "common/header.h"
#include "common/resolve.h"

#include "deliver/deliver.h"

#define COPY_SIZE 65536

void
delivery_decide(
    struct delivery *delivery, char status, const char *code, const char *text)
{
	struct verdict *verdict = &delivery->verdict;

	verdict->index = delivery->recipient->index;
	verdict->status = status;
	snprintf(verdict->code, sizeof(verdict->code), "%s", code);
	snprintf(verdict->remote, sizeof(verdict->remote), "local");
	snprintf(verdict->text, sizeof(verdict->text), "%s", text);
}

/* What a failure of the file system means for the mail (RFC 3463). */
static const struct {
	int error;
	char status;
	const char *code;
} failures[] = {
	{ ENOSPC, 'T', "4.3.1" },
	{ EDQUOT, 'T', "4.2.2" },
	{ EFBIG, 'T', "4.2.2" },
	{ EAGAIN, 'T', "4.2.0" },
	{ EACCES, 'T', "4.2.0" },
	{ ENOENT, 'T', "4.2.0" },
	{ ENOTDIR, 'T', "4.2.0" },
	{ 0, 'T', "4.3.0" },
};

void
delivery_fail(struct delivery *delivery, const struct why *why)
{
	size_t i = 0;

	while (failures[i].error != 0 && failures[i].error != why->error)
		i++;
	delivery_decide(
	    delivery, failures[i].status, failures[i].code, why->text);
}

uint64_t
delivery_size(const struct delivery *delivery)
{
	return delivery->prefix.len + delivery->job->body_length;
}

bool
delivery_copy(const struct delivery *delivery, delivery_write_fn *write,
    void *context, struct why *why)
{
	uint64_t offset = delivery->start.len,
		 length = delivery->job->body_length;
	char *bytes;
	bool ok = write(context, buf_slice(&delivery->prefix), why) &&
		  write(context, delivery->start, why);

	if (!ok || offset == length)
		return ok;
	bytes = alloc_zero(COPY_SIZE, 1);
	while (ok && offset < length) {
		size_t want = length - offset < COPY_SIZE
				  ? (size_t)(length - offset)
				  : COPY_SIZE;
		ssize_t n = pread(delivery->spool, bytes, want,
		    (off_t)(delivery->job->body_offset + offset));

		if (n < 0)
			ok = why_errno(why, "cannot read the queue file");
		else if (n == 0)
			ok = why_set(why, "the queue file is cut short");
		else
			ok = write(context, slice_make(bytes, (size_t)n), why);
		if (ok)
			offset += (uint64_t)n;
	}
	alloc_release(bytes);
	return ok;
}

static void
add_field(
    struct buf *out, const char *name, struct slice value, const char *around)
{
	buf_add_string(out, name);
	buf_add(out, S(": "));
	buf_add(out, slice_first(slice_of(around), 1));
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		buf_add_char(out, c >= 0 && (c < ' ' || c == 0x7f) ? '?' : c);
	}
	buf_add(out, slice_from(slice_of(around), 1));
	buf_add(out, S("\r\n"));
}

static void
make_prefix(struct delivery *delivery)
{
	const struct job_recipient *recipient = delivery->recipient;
	struct buf *out = &delivery->prefix;

	buf_clear(out);
	add_field(out, "Return-Path", delivery->job->sender, "<>");
	if (recipient->original.len > 0 &&
	    !slice_eq_nocase(recipient->original, recipient->address))
		add_field(out, "X-Original-To", recipient->original, "");
	add_field(out, "Delivered-To", recipient->address, "");
}

static bool
is_loop(const struct delivery *delivery)
{
	struct header_iterator iterator;
	struct header_field field;

	header_begin(&iterator, delivery->start);
	while (header_next(&iterator, &field))
		if (slice_eq_nocase(field.name, S("Delivered-To")) &&
		    slice_eq_nocase(
			slice_trim(field.body), delivery->recipient->address))
			return true;
	return false;
}

/* Virtual homes are made on the first mail; a system user's home has to be
 * there, or it may be one that is not mounted. */
bool
delivery_make_home(const struct user *user, struct why *why)
{
	struct stat status;

	if (stat(user->home, &status) == 0 && S_ISDIR(status.st_mode))
		return true;
	if (user->is_virtual)
		return fs_make_directories(user->home, 0700, why);
	errno = ENOENT;
	return why_errno(why, "home %s", user->home);
}

bool
delivery_path_is_maildir(const char *path)
{
	size_t length = strlen(path);

	return length > 0 && path[length - 1] == '/';
}

static bool
to_mailbox(struct delivery *delivery, struct why *why)
{
	const struct user *user = &delivery->job->user;

	if (!delivery_make_home(user, why))
		return false;
	if (!delivery_path_is_maildir(user->mail))
		return delivery_to_mbox(delivery, user->mail, why);
	return delivery_to_maildir(delivery, user->mail, true, why);
}

static bool
to_file(struct delivery *delivery, struct why *why)
{
	char path[USER_PATH_SIZE];

	if (!slice_to_array(
		delivery->recipient->argument, path, sizeof(path)) ||
	    path[0] != '/')
		return why_set(why, "the file of an alias has a bad name");
	if (strcmp(path, "/dev/null") == 0)
		return true;
	if (delivery_path_is_maildir(path))
		return delivery_to_maildir(delivery, path, true, why);
	return delivery_to_mbox(delivery, path, why);
}

void
delivery_run(struct delivery *delivery)
{
	struct why why = { 0 };

	make_prefix(delivery);
	if (is_loop(delivery)) {
		delivery_decide(delivery, 'F', "5.4.6",
		    "mail loop: it was delivered to this address before");
		return;
	}
	switch (delivery->recipient->kind) {
	case TARGET_PROGRAM:
		delivery_to_program(delivery);
		return;
	case TARGET_FILE:
		if (to_file(delivery, &why))
			delivery_decide(
			    delivery, 'D', "2.0.0", "delivered to file");
		else
			delivery_fail(delivery, &why);
		return;
	case TARGET_MAILBOX:
		if (to_mailbox(delivery, &why))
			delivery_decide(
			    delivery, 'D', "2.0.0", "delivered to mailbox");
		else
			delivery_fail(delivery, &why);
		return;
	default:
		delivery_decide(delivery, 'T', "4.3.5",
		    "no delivery agent for this kind of recipient");
	}
}
