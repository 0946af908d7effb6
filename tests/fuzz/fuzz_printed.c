/* SPDX-License-Identifier: ISC */
/*
 * fuzz_printed - a program prints a message in place of ours: the input is
 * one message, a NUL, and the other. The edits that come of it, made again on
 * the first, give the same header as verify has, and no byte of the body ends
 * a line but CRLF.
 */
#include "config.h"

#include <fcntl.h>
#include <string.h>

#include "common/result.h"

#include "smtpd/filter_command.h"
#include "smtpd/filter_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct mirror {
	struct header_list headers;
	char last;
};

static bool
on_change(void *context, const struct verify_change *change)
{
	struct mirror *mirror = context;
	char c;

	if (change->kind <= EDIT_HEADER_CHANGE)
		return header_list_edit(&mirror->headers, change);
	BUG_UNLESS(change->kind == EDIT_BODY);
	for (size_t i = 0; i < change->value.len; i++) {
		c = change->value.ptr[i];
		BUG_UNLESS(c != '\0');
		BUG_UNLESS((c == '\n') == (mirror->last == '\r'));
		mirror->last = c;
	}
	return true;
}

static void
check_same(const struct header_list *a, const struct header_list *b)
{
	struct buf one, two;

	buf_init(&one, 1 << 20);
	buf_init(&two, 1 << 20);
	header_list_write(a, &one);
	header_list_write(b, &two);
	BUG_UNLESS(slice_eq(buf_slice(&one), buf_slice(&two)));
	buf_free(&one);
	buf_free(&two);
}

static bool
take(struct spill *spill, struct slice text)
{
	char last = '\n';
	bool ok = true;

	for (; ok && text.len > 0; text = slice_from(text, 4096))
		ok = filter_command_take(
		    spill, &last, slice_first(text, 4096), NULL);
	return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice first, second;
	struct filter_message message;
	struct mirror mirror = { .last = '\n' };
	struct arena *arena;
	struct spill printed;

	if (size > 65536)
		return 0;
	slice_cut(slice_make(data, size), '\0', &first, &second);
	arena = arena_new("mirror", 16 << 20);
	header_list_init(&mirror.headers, arena);
	filter_message_init(&message, "/tmp", on_change, &mirror);
	filter_message_reset(&message);
	spill_init(&printed, AT_FDCWD, "/tmp");
	if (take(&message.whole, first) && take(&printed, second) &&
	    filter_message_open(&message, NULL)) {
		for (size_t i = 0; i < message.headers.count; i++)
			BUG_UNLESS(header_list_read(
			    &mirror.headers, message.headers.items[i].raw));
		if (filter_message_replace(&message, &printed, NULL) &&
		    filter_message_finish(&message, NULL))
			BUG_UNLESS(mirror.last != '\r');
		check_same(&message.headers, &mirror.headers);
	}
	filter_message_free(&message);
	spill_free(&printed);
	arena_free(&arena);
	return 0;
}
