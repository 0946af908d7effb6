/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <string.h>

#include "common/alloc.h"
#include "common/limits.h"

#include "smtpd/filter_command.h"
#include "smtpd/filter_message.h"

#include "tests/unit/unit.h"

#define HEADER "A: 1\r\nB: 2\r\nb: 3\r\nC: 4\r\n"

/* enqueue's side: the same edits on the same header. */
struct mirror {
	struct arena *arena;
	struct header_list headers;
	struct buf body;
	bool has_body;
	size_t edits;
	struct filter_message message;
};

static bool
on_change(void *context, const struct verify_change *change)
{
	struct mirror *m = context;

	m->edits++;
	if (change->kind == EDIT_BODY) {
		m->has_body = true;
		return buf_add(&m->body, change->value);
	}
	return change->kind > EDIT_HEADER_CHANGE ||
	       header_list_edit(&m->headers, change);
}

static void
begin(struct mirror *m, const char *text)
{
	struct slice header = slice_of(text);
	struct why why = { 0 };

	memset(m, 0, sizeof(*m));
	m->arena = arena_new("mirror", 8 << 20);
	buf_init(&m->body, 1 << 20);
	header_list_init(&m->headers, m->arena);
	assert_true(header_list_read(&m->headers, header));
	filter_message_init(&m->message, "/tmp", on_change, m);
	filter_message_reset(&m->message);
	/* In two pieces. */
	assert_true(
	    filter_message_add(&m->message, slice_first(header, 3), &why));
	assert_true(
	    filter_message_add(&m->message, slice_from(header, 3), &why));
	assert_true(filter_message_open(&m->message, &why));
}

static void
finish(struct mirror *m)
{
	filter_message_free(&m->message);
	arena_free(&m->arena);
	buf_free(&m->body);
}

static void
assert_message(struct mirror *m, const char *expected)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	header_list_write(&m->headers, &out);
	buf_add_string(&out, "\r\n");
	buf_add(&out, buf_slice(&m->body));
	assert_slice_equal(buf_slice(&out), slice_of(expected));
	buf_free(&out);
}

struct print_sample {
	const char *printed, *after; /* a new body is shown, else none */
	size_t edits;
};

static const struct print_sample samples[] = {
	{ HEADER "\nbody\n", HEADER "\r\n", 0 },
	{ "X: 0\n" HEADER "\nbody\n", "X: 0\r\n" HEADER "\r\n", 1 },
	{ "A: 1\r\nB: 2\r\nb: 3\r\nC: 4\r\nX: 0\n\tf\n\nbody\n",
	    HEADER "X: 0\r\n\tf\r\n\r\n", 1 },
	{ "A: 1\nb: 3\nC: 4\n\nbody\n", "A: 1\r\nb: 3\r\nC: 4\r\n\r\n", 1 },
	{ "A: 1\nB: 2\nb: 5\nC: 4\n\nbody\n",
	    "A: 1\r\nB: 2\r\nb: 5\r\nC: 4\r\n\r\n", 2 },
	{ "b: 3\n\nbody\n", "b: 3\r\n\r\n", 5 },
	{ HEADER "\nbodY\n", HEADER "\r\nbodY\r\n", 1 },
	{ HEADER "\nbody", HEADER "\r\nbody", 1 },
	{ HEADER "\na\rb\n", HEADER "\r\na\r\nb\r\n", 1 },
	{ HEADER "\n", HEADER "\r\n", 1 },
};

static void
what_a_program_prints_becomes_edits(void **state)
{
	struct mirror m;
	struct spill printed;
	struct why why = { 0 };
	char last = '\n';

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		begin(&m, HEADER "\r\nbody\r\n");
		spill_init(&printed, AT_FDCWD, "/tmp");
		assert_true(filter_command_take(
		    &printed, &last, slice_of(samples[i].printed), &why));
		assert_true(filter_message_replace(&m.message, &printed, &why));
		assert_true(filter_message_finish(&m.message, &why));
		assert_message(&m, samples[i].after);
		assert_int_equal(m.edits, samples[i].edits);
		spill_free(&printed);
		finish(&m);
	}
}

static const char *const no_messages[] = { "", "no header\n", "\nbody\n",
	"X Y: 1\n\nbody\n" };

static void
what_is_no_message_replaces_nothing(void **state)
{
	struct mirror m;
	struct spill printed;
	struct why why = { 0 };
	char last = '\n';

	(void)state;
	for (size_t i = 0; i < sizeof(no_messages) / sizeof(no_messages[0]);
	     i++) {
		begin(&m, HEADER "\r\nbody\r\n");
		spill_init(&printed, AT_FDCWD, "/tmp");
		assert_true(filter_command_take(
		    &printed, &last, slice_of(no_messages[i]), &why));
		assert_false(
		    filter_message_replace(&m.message, &printed, &why));
		assert_int_equal(m.edits, 0);
		spill_free(&printed);
		finish(&m);
	}
}

static void
edit_body(struct mirror *m, struct slice text)
{
	struct verify_change edit = { .kind = EDIT_BODY, .value = text };
	struct why why = { 0 };

	assert_true(filter_message_edit(&m->message, &edit, &why));
}

static void
a_new_body_has_only_whole_line_ends(void **state)
{
	struct mirror m;
	struct why why = { 0 };

	(void)state;
	begin(&m, HEADER "\r\nbody\r\n");
	edit_body(&m, S("a\nb\r"));
	edit_body(&m, S("\nc\rd\0e\r"));
	assert_true(filter_message_settle(&m.message, &why));
	assert_true(filter_message_finish(&m.message, &why));
	assert_message(&m, HEADER "\r\na\r\nb\r\nc\r\nd e\r\n");
	finish(&m);
	/* Not settled, it is none. */
	begin(&m, HEADER "\r\nbody\r\n");
	edit_body(&m, S("a"));
	assert_int_equal(filter_message_body_length(&m.message), 6);
	assert_true(filter_message_finish(&m.message, &why));
	assert_false(m.has_body);
	finish(&m);
	/* An empty one is one. */
	begin(&m, HEADER "\r\nbody\r\n");
	edit_body(&m, S(""));
	assert_true(filter_message_settle(&m.message, &why));
	assert_true(filter_message_finish(&m.message, &why));
	assert_true(m.has_body);
	assert_int_equal(m.body.len, 0);
	finish(&m);
}

static void
edits_of_one_message_are_bounded(void **state)
{
	const struct verify_change edit = { .kind = EDIT_HEADER_CHANGE,
		.index = 1,
		.name = S("A"),
		.value = S(" x") };
	struct mirror m;
	struct why why = { 0 };

	(void)state;
	begin(&m, HEADER "\r\nbody\r\n");
	for (int i = 0; i < LIMIT_FILTER_EDITS; i++)
		assert_true(filter_message_edit(&m.message, &edit, &why));
	assert_false(filter_message_edit(&m.message, &edit, &why));
	assert_int_equal(m.edits, LIMIT_FILTER_EDITS);
	finish(&m);
}

static void
a_spill_is_the_same_in_memory_and_in_a_file(void **state)
{
	char *room = alloc_zero(SPILL_PIECE, 1), piece[1000];
	struct slice bytes;
	struct spill spill;
	uint64_t total = 0;

	(void)state;
	spill_init(&spill, AT_FDCWD, "/tmp");
	for (int i = 0; i < 300; i++) {
		memset(piece, i & 127, sizeof(piece));
		assert_true(
		    spill_add(&spill, slice_make(piece, sizeof(piece)), NULL));
		total += sizeof(piece);
		assert_int_equal(spill.length, total);
		assert_int_equal(spill.fd >= 0, total > SPILL_MEMORY);
		assert_true(spill_read(&spill, total - 1, room, &bytes));
		assert_int_equal(bytes.len, 1);
		assert_int_equal(bytes.ptr[0], i & 127);
		assert_true(spill_read(&spill, 500, room, &bytes));
		assert_int_equal(bytes.ptr[0], 0);
		assert_true(bytes.len > 0 && bytes.len <= SPILL_PIECE);
		assert_true(spill_read(&spill, total, room, &bytes));
		assert_int_equal(bytes.len, 0);
	}
	spill_clear(&spill);
	assert_int_equal(spill.length, 0);
	spill_free(&spill);
	spill_init(&spill, AT_FDCWD, "/nonexistent");
	memset(room, 'x', SPILL_PIECE);
	assert_true(spill_add(&spill, slice_make(room, SPILL_PIECE), NULL));
	assert_true(spill_add(&spill, slice_make(room, SPILL_PIECE), NULL));
	assert_false(spill_add(&spill, S("x"), NULL));
	spill_free(&spill);
	alloc_release(room);
}

static const struct {
	int status; /* as of wait(2) */
	enum filter_verdict verdict;
} statuses[] = {
	{ 0, FILTER_PASSES },
	{ 3 << 8, FILTER_PASSES },
	{ 9 << 8, FILTER_REFUSES },
	{ 65 << 8, FILTER_REFUSES },
	{ 69 << 8, FILTER_REFUSES },
	{ 77 << 8, FILTER_REFUSES },
	{ 75 << 8, FILTER_LATER },
	{ 1 << 8, FILTER_FAILED },
	{ 35 << 8, FILTER_FAILED },
	{ 127 << 8, FILTER_FAILED },
	{ 9, FILTER_FAILED },
};

static void
an_exit_status_is_a_verdict(void **state)
{
	struct filter_spec spec = { .spam = 9, .passes = 1U << 0 | 1U << 3 };
	char reason[32];

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		assert_int_equal(
		    filter_command_verdict(&spec, statuses[i].status),
		    statuses[i].verdict);
	spec.spam_holds = true;
	assert_int_equal(filter_command_verdict(&spec, 9 << 8), FILTER_HOLDS);
	filter_command_reason(
	    S("first\nthe\x1breason\r\n \n"), reason, sizeof(reason));
	assert_string_equal(reason, "the?reason");
	filter_command_reason(S("\n"), reason, sizeof(reason));
	assert_string_equal(reason, "refused by the mail filter");
	filter_command_reason(
	    S("0123456789012345678901234567890123456789"), reason, 11);
	assert_string_equal(reason, "0123456789");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_program_prints_becomes_edits),
		cmocka_unit_test(what_is_no_message_replaces_nothing),
		cmocka_unit_test(a_new_body_has_only_whole_line_ends),
		cmocka_unit_test(edits_of_one_message_are_bounded),
		cmocka_unit_test(a_spill_is_the_same_in_memory_and_in_a_file),
		cmocka_unit_test(an_exit_status_is_a_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
