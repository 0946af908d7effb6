/* SPDX-License-Identifier: ISC */
/*
 * convert_driver - queue/convert.h on a file, for test_convert.py.
 *
 *   convert_driver 7|8 PIECE FILE
 *
 * The message goes through in pieces of PIECE bytes and comes out on standard
 * output; on standard error one line "8bit=N header=N inside=N binary=N".
 * Exit 2: impossible.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fsutil.h"

#include "queue/convert.h"

#define SIZE_MAX_BYTES (64 * 1024 * 1024)

static void
convert_all(
    const struct convert_plan *plan, struct slice text, size_t piece, char how)
{
	struct convert convert;
	struct buf out;
	bool ok = true;

	buf_init(&out, SIZE_MAX_BYTES);
	convert_init(&convert, plan, how == '7' ? CONVERT_7BIT : CONVERT_8BIT);
	for (size_t at = 0; at < text.len && ok; at += piece)
		ok = convert_feed(
		    &convert, slice_first(slice_from(text, at), piece), &out);
	ok = ok && convert_end(&convert, &out);
	if (!ok || !fs_write_all(STDOUT_FILENO, buf_slice(&out), NULL))
		abort();
	convert_clear(&convert);
	buf_free(&out);
}

int
main(int argc, char *argv[])
{
	struct convert_plan plan;
	struct slice text;
	struct buf file;
	size_t piece;
	int status = EXIT_SUCCESS;

	if (argc != 4)
		return EXIT_FAILURE;
	piece = (size_t)strtoul(argv[2], NULL, 10);
	buf_init(&file, SIZE_MAX_BYTES);
	if (!fs_read_file(AT_FDCWD, argv[3], &file, NULL))
		return EXIT_FAILURE;
	text = buf_slice(&file);
	convert_plan_init(&plan);
	for (size_t at = 0; at < text.len; at += piece)
		convert_plan_feed(
		    &plan, slice_first(slice_from(text, at), piece));
	convert_plan_end(&plan);
	fprintf(stderr, "8bit=%d header=%d inside=%d binary=%d\n",
	    plan.has_8bit, plan.has_8bit_header, plan.has_8bit_inside,
	    plan.has_binary);
	if (plan.is_impossible)
		status = 2;
	else
		convert_all(&plan, text, piece, argv[1][0]);
	convert_plan_clear(&plan);
	buf_free(&file);
	return status;
}
