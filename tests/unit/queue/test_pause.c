/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fsutil.h"

#include "queue/pause.h"

static struct pauses pauses;

static bool
add(const char *line)
{
	struct pause pause;

	assert_true(pause_parse(slice_of(line), &pause));
	return pauses_set(&pauses, &pause);
}

static bool
stops(const char *domain, const char *nexthop, bool is_local, uint64_t now)
{
	const struct pause_target target = { slice_of(domain),
		slice_of(nexthop), is_local };

	return pauses_find(&pauses, &target, now) != NULL;
}

static void
a_line_is_a_destination_a_time_and_a_reason(void **state)
{
	static const char *const good[] = { "a.example 0", ".a.example 12 x y",
		"[192.0.2.7]:2525 1795266000", "local 0 z" };
	static const char *const bad[] = { "", "a.example", "a.example x", " 0",
		"a.example -1", "a\xff.example 0", "a.example 0 \x1b[1m",
		"a.example 99999999999999999999" };
	struct pause pause;
	char line[400];
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		buf_clear(&out);
		assert_true(pause_parse(slice_of(good[i]), &pause));
		pause_format(&out, &pause);
		assert_string_equal(buf_string(&out), good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(pause_parse(slice_of(bad[i]), &pause));
	assert_true(pause_parse(S("A.Example 0"), &pause));
	assert_string_equal(pause.name, "a.example");
	memset(line, 'a', sizeof(line));
	memcpy(line + PAUSE_NAME_MAX, " 0", 2);
	assert_true(pause_parse(slice_make(line, PAUSE_NAME_MAX + 2), &pause));
	memset(line, 'a', sizeof(line));
	memcpy(line + PAUSE_NAME_MAX + 1, " 0", 2);
	assert_false(pause_parse(slice_make(line, PAUSE_NAME_MAX + 3), &pause));
	memset(line, 'a', sizeof(line));
	memcpy(line, "a 0 ", 4);
	assert_true(pause_parse(slice_make(line, PAUSE_TEXT_MAX + 4), &pause));
	assert_false(pause_parse(slice_make(line, PAUSE_TEXT_MAX + 5), &pause));
	buf_free(&out);
}

static void
what_is_paused_is_found_by_domain_and_next_hop(void **state)
{
	(void)state;
	pauses.count = 0;
	assert_false(stops("a.example", "", false, 0));
	assert_true(add("a.example 0"));
	assert_true(stops("A.EXAMPLE", "", false, 5));
	assert_false(stops("b.a.example", "", false, 5));
	assert_true(add(".a.example 0"));
	assert_true(stops("b.a.example", "", false, 5));
	assert_false(stops("ba.example", "", false, 5));
	assert_true(add("[192.0.2.7]:2525 0"));
	assert_true(stops("c.example", "[192.0.2.7]:2525", false, 5));
	assert_false(stops("c.example", "", true, 5));
	assert_true(add("local 0"));
	assert_true(stops("c.example", "", true, 5));
	assert_false(stops("c.example", "", false, 5));
	assert_true(add("remote 0"));
	assert_true(stops("c.example", "", false, 5));
	assert_true(pauses_remove(&pauses, "remote"));
	assert_false(pauses_remove(&pauses, "remote"));
	assert_false(stops("c.example", "", false, 5));
}

static void
a_pause_ends_at_its_time(void **state)
{
	(void)state;
	pauses.count = 0;
	assert_true(add("a.example 100"));
	assert_true(add("b.example 0"));
	assert_true(stops("a.example", "", false, 99));
	assert_null(pauses_over(&pauses, 99));
	assert_false(stops("a.example", "", false, 100));
	assert_string_equal(pauses_over(&pauses, 100)->name, "a.example");
	/* The newest word holds. */
	assert_true(add("a.example 200"));
	assert_int_equal(pauses.count, 2);
	assert_null(pauses_over(&pauses, 100));
}

static void
the_list_has_a_limit(void **state)
{
	char line[32];

	(void)state;
	pauses.count = 0;
	for (int i = 0; i < PAUSE_MAX; i++) {
		snprintf(line, sizeof(line), "d%d.example 0", i);
		assert_true(add(line));
	}
	assert_false(add("one.more 0"));
	assert_true(add("d7.example 9"));
}

static void
the_list_is_a_file(void **state)
{
	char path[] = "/tmp/test_pause.XXXXXX";
	int fd;

	(void)state;
	assert_non_null(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pauses.count = 9;
	assert_true(pauses_load(fd, &pauses, NULL));
	assert_int_equal(pauses.count, 0);
	assert_true(add("a.example 100 why not"));
	assert_true(add("b.example 0"));
	assert_true(pauses_save(fd, &pauses, NULL));
	pauses.count = 0;
	assert_true(pauses_load(fd, &pauses, NULL));
	assert_int_equal(pauses.count, 2);
	assert_string_equal(pauses.items[0].text, "why not");
	/* What is no line is left out. */
	assert_true(
	    fs_replace(fd, "pauses", S("nonsense\nb.example 0\n"), 0600, NULL));
	assert_true(pauses_load(fd, &pauses, NULL));
	assert_int_equal(pauses.count, 1);
	assert_int_equal(unlinkat(fd, "pauses", 0), 0);
	close(fd);
	assert_int_equal(rmdir(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_a_destination_a_time_and_a_reason),
		cmocka_unit_test(
		    what_is_paused_is_found_by_domain_and_next_hop),
		cmocka_unit_test(a_pause_ends_at_its_time),
		cmocka_unit_test(the_list_has_a_limit),
		cmocka_unit_test(the_list_is_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
