/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/fsutil.h"
#include "common/io.h"
#include "common/mailbox/dotlock.h"
#include "common/mailbox/mailbox.h"
#include "common/mailbox/mutf7.h"
#include "common/mailbox/store.h"

/*
 * The file subscriptions of the root Maildir, as Dovecot has it: version 2
 * begins with "V<TAB>2" and an empty line, parts of a name are separated by
 * TAB; version 1 is one name per line with dots. Courier's
 * courierimapsubscribed ("INBOX.Sent") is read when there is no other. Names
 * are in the form they have on disk. Written as version 2, by rename under
 * subscriptions.lock.
 */
#define SUBSCRIPTIONS         "subscriptions"
#define SUBSCRIPTIONS_LOCK    "subscriptions.lock"
#define SUBSCRIPTIONS_COURIER "courierimapsubscribed"
#define SUBSCRIPTIONS_SIZE    (1024 * 1024)
#define LOCK_WAIT             10

struct subscriptions {
	struct buf text;
	struct slice rest;
	bool is_courier;
};

static bool
subscriptions_read(
    struct mailbox *mailbox, struct subscriptions *list, struct why *why)
{
	struct why ours = { 0 };
	bool ok;

	memset(list, 0, sizeof(*list));
	buf_init(&list->text, SUBSCRIPTIONS_SIZE);
	ok = fs_read_file(mailbox->fd, SUBSCRIPTIONS, &list->text, &ours);
	if (!ok && ours.error == ENOENT) {
		list->is_courier = true;
		ok = fs_read_file(mailbox->fd, SUBSCRIPTIONS_COURIER,
			 &list->text, &ours) ||
		     ours.error == ENOENT;
	}
	if (!ok)
		return why_set(why, "%s", ours.text);
	list->rest = buf_slice(&list->text);
	if (slice_starts(list->rest, S("V\t")))
		list->rest =
		    slice_from(list->rest, slice_index(list->rest, '\n') + 1);
	return true;
}

/* The next name as UTF-8 with '/'. */
static bool
subscriptions_next(struct subscriptions *list, struct buf *name)
{
	struct slice line;
	struct buf raw;
	bool found = false;

	buf_init(&raw, 4096);
	while (!found && list->rest.len > 0) {
		slice_cut(list->rest, '\n', &line, &list->rest);
		line = slice_trim(line);
		if (list->is_courier && slice_starts(line, S("INBOX.")))
			line = slice_from(line, 6);
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		buf_clear(&raw);
		buf_clear(name);
		buf_add(&raw, line);
		for (size_t i = 0; i < raw.len; i++)
			if (raw.ptr[i] == '.' || raw.ptr[i] == '\t')
				raw.ptr[i] = MAILBOX_SEPARATOR;
		found = mutf7_decode(buf_slice(&raw), name);
		if (!found) {
			buf_clear(name);
			found = buf_add(name, buf_slice(&raw));
		}
	}
	buf_free(&raw);
	return found;
}

bool
mailbox_each_subscribed(struct mailbox *mailbox, mailbox_name_fn *each,
    void *context, struct why *why)
{
	struct subscriptions list;
	struct buf name;
	bool ok;

	buf_init(&name, 4096);
	ok = subscriptions_read(mailbox, &list, why);
	while (ok && subscriptions_next(&list, &name))
		ok = each(context, buf_slice(&name),
		    mailbox_exists(mailbox, buf_slice(&name)), false);
	buf_free(&name);
	buf_free(&list.text);
	return ok;
}

static bool
add_name(struct buf *out, struct slice name)
{
	size_t start = out->len;

	if (!mutf7_encode(name, out))
		return false;
	for (size_t i = start; i < out->len; i++)
		if (out->ptr[i] == MAILBOX_SEPARATOR)
			out->ptr[i] = '\t';
	return buf_add_char(out, '\n');
}

static bool
subscriptions_change(
    struct mailbox *mailbox, struct slice name, bool on, struct why *why)
{
	struct subscriptions list;
	struct buf out, other;
	bool ok;

	buf_init(&out, SUBSCRIPTIONS_SIZE);
	buf_init(&other, 4096);
	buf_add(&out, S("V\t2\n\n"));
	ok = subscriptions_read(mailbox, &list, why);
	while (ok && subscriptions_next(&list, &other))
		if (!slice_eq(buf_slice(&other), name))
			ok = add_name(&out, buf_slice(&other));
	if (ok && on && !add_name(&out, name))
		ok = store_refuse(why, "CANNOT", "bad folder name");
	ok = ok &&
	     fs_replace(mailbox->fd, SUBSCRIPTIONS, buf_slice(&out), 0600, why);
	buf_free(&other);
	buf_free(&out);
	buf_free(&list.text);
	return ok;
}

bool
mailbox_subscribe(
    struct mailbox *mailbox, struct slice name, bool on, struct why *why)
{
	char path[STORE_PATH_SIZE];
	bool ok;

	if (store_is_inbox(name))
		name = S("INBOX");
	if (on && !store_path(mailbox, name, path, why))
		return false;
	if (!dotlock_take(
		mailbox->fd, SUBSCRIPTIONS_LOCK, io_deadline(LOCK_WAIT), why))
		return false;
	ok = subscriptions_change(mailbox, name, on, why);
	dotlock_release(mailbox->fd, SUBSCRIPTIONS_LOCK);
	return ok;
}
