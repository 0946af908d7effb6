/* SPDX-License-Identifier: ISC */
/*
 * fuzz_uidlist - any bytes as dovecot-uidlist: what is understood must be the
 * same after it was written and read again, with ascending UIDs below next.
 */
#include "config.h"

#include <stdint.h>

#include "common/mailbox/keywords.h"
#include "common/mailbox/maildir.h"
#include "common/mailbox/mutf7.h"
#include "common/mailbox/uidlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct uidlist *list)
{
	for (size_t i = 0; i < list->count; i++) {
		BUG_UNLESS(list->entries[i]->uid < list->next);
		BUG_UNLESS(i == 0 ||
			   list->entries[i - 1]->uid < list->entries[i]->uid);
	}
}

static void
fuzz_names(struct slice text)
{
	struct maildir_name name;
	struct keywords keywords = { 0 };
	struct buf out, back;

	buf_init(&out, 1 << 20);
	buf_init(&back, 1 << 20);
	maildir_name_parse(text, &name);
	(void)maildir_name_format(&out, &name);
	keywords_parse(&keywords, text);
	keywords_clear(&keywords);
	buf_clear(&out);
	if (mutf7_decode(text, &out)) {
		BUG_UNLESS(mutf7_encode(buf_slice(&out), &back));
		BUG_UNLESS(slice_eq(buf_slice(&back), text));
	}
	buf_free(&out);
	buf_free(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make(data, size);
	struct uidlist list, again;
	struct buf out;

	uidlist_init(&list);
	uidlist_init(&again);
	buf_init(&out, (1 << 20) + 4 * size);
	(void)uidlist_parse(&list, text);
	check(&list);
	if (list.uidvalidity != 0 && uidlist_format(&list, &out)) {
		(void)uidlist_parse(&again, buf_slice(&out));
		BUG_UNLESS(again.uidvalidity == list.uidvalidity);
		BUG_UNLESS(again.next == list.next);
		BUG_UNLESS(again.count == list.count);
		BUG_UNLESS(!again.is_damaged);
	}
	uidlist_clear(&list);
	uidlist_clear(&again);
	buf_free(&out);
	fuzz_names(text);
	return 0;
}
