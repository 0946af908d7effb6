/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/handover.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/limits.h"

#include "tests/unit/unit.h"

static struct handover
facts(void)
{
	struct handover h = { .magic = HANDOVER_MAGIC, .is_tls = 1 };

	snprintf(h.user.name, sizeof(h.user.name), "alice");
	snprintf(h.user.home, sizeof(h.user.home), "/home/alice");
	snprintf(h.user.mail, sizeof(h.user.mail), "/home/alice/Maildir/");
	snprintf(h.id, sizeof(h.id), "ABCDEFGHJKMNP");
	snprintf(h.listener, sizeof(h.listener), "imaps");
	return h;
}

static bool
pass(const struct handover *h, struct slice tag, struct slice unread,
    struct buf out[2])
{
	struct handover got;
	struct why why;
	int ends[2];
	bool ok;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], h, sizeof(*h)), sizeof(*h));
	assert_true(handover_send(ends[1], tag, unread));
	close(ends[1]);
	ok = handover_receive(ends[0], &got, &out[0], &out[1], &why);
	close(ends[0]);
	if (ok)
		assert_memory_equal(&got, h, sizeof(got));
	return ok;
}

static void
both_parts_arrive(void **state)
{
	struct handover h = facts();
	struct buf out[2];

	(void)state;
	buf_init(&out[0], HANDOVER_MAX);
	buf_init(&out[1], HANDOVER_MAX);
	assert_true(pass(&h, S("a1"), S("a2 SELECT INBOX\r\n"), out));
	assert_slice_equal(buf_slice(&out[0]), S("a1"));
	assert_slice_equal(buf_slice(&out[1]), S("a2 SELECT INBOX\r\n"));
	buf_clear(&out[0]);
	buf_clear(&out[1]);
	assert_true(pass(&h, S(""), S(""), out));
	assert_int_equal(out[0].len + out[1].len, 0);
	buf_free(&out[0]);
	buf_free(&out[1]);
}

static void
facts_without_magic_or_end_are_refused(void **state)
{
	struct handover h = facts();
	struct buf out[2];

	(void)state;
	buf_init(&out[0], HANDOVER_MAX);
	buf_init(&out[1], HANDOVER_MAX);
	h.magic++;
	assert_false(pass(&h, S("a1"), S(""), out));
	h = facts();
	memset(h.user.mail, 'x', sizeof(h.user.mail));
	assert_false(pass(&h, S("a1"), S(""), out));
	h = facts();
	memset(h.listener, 'x', sizeof(h.listener));
	assert_false(pass(&h, S("a1"), S(""), out));
	buf_free(&out[0]);
	buf_free(&out[1]);
}

static void
the_largest_login_fits_a_pipe(void **state)
{
	struct handover h = facts();
	static char unread[HANDOVER_MAX];
	struct buf out[2];
	int ends[2];

	(void)state;
	memset(unread, 'u', sizeof(unread));
	buf_init(&out[0], HANDOVER_MAX);
	buf_init(&out[1], HANDOVER_MAX);
	assert_true(pass(&h, S(""), slice_make(unread, sizeof(unread)), out));
	assert_int_equal(out[1].len, sizeof(unread));
	assert_int_equal(pipe(ends), 0);
	assert_false(
	    handover_send(ends[1], S("t"), slice_make(unread, sizeof(unread))));
	close(ends[0]);
	close(ends[1]);
	buf_free(&out[0]);
	buf_free(&out[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_parts_arrive),
		cmocka_unit_test(facts_without_magic_or_end_are_refused),
		cmocka_unit_test(the_largest_login_fits_a_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
