/* SPDX-License-Identifier: ISC */
/*
 * A message with BODY=BINARYMIME that is delivered here. Mailboxes, programs
 * and those who read them know lines only, so its binary parts are encoded
 * (RFC 3030 section 3) before it is committed: the file that was written is
 * read twice, and another one of the same id takes its place.
 */
#include "config.h"

#include "queue/enqueue_state.h"

#include "common/alloc.h"
#include "common/limits.h"
#include "common/log.h"

#include "queue/convert.h"
#include "queue/enqueue_policy.h"

#define BLOCK 16384

typedef bool piece_fn(void *context, struct slice piece);

/* Hand over the body of the writer's file. */
static bool
each_piece(
    struct spool_writer *writer, piece_fn *take, void *context, struct why *why)
{
	uint64_t done = 0, length = spool_writer_body_length(writer);
	char *block = alloc_zero(1, BLOCK);
	bool ok = true;
	size_t want;

	while (ok && done < length) {
		want = length - done < BLOCK ? (size_t)(length - done) : BLOCK;
		ok = spool_writer_read(writer, done, block, want, why) &&
		     take(context, slice_make(block, want));
		done += want;
	}
	alloc_release(block);
	return ok;
}

static bool
plan_piece(void *context, struct slice piece)
{
	convert_plan_feed(context, piece);
	return true;
}

struct pass {
	struct convert convert;
	struct spool_writer *to;
	struct buf out;
	struct why *why;
};

static bool
pass_flush(struct pass *pass)
{
	bool ok = spool_writer_body(pass->to, buf_slice(&pass->out), pass->why);

	buf_clear(&pass->out);
	return ok;
}

static bool
pass_piece(void *context, struct slice piece)
{
	struct pass *pass = context;

	if (!convert_feed(&pass->convert, piece, &pass->out))
		return why_set(pass->why, "cannot convert the message");
	return pass_flush(pass);
}

static bool
write_converted(struct enqueue *e, const struct convert_plan *plan,
    struct spool_writer *to, struct why *why)
{
	struct pass pass = { .to = to, .why = why };
	bool ok;

	buf_init(&pass.out, CONVERT_ROOM(BLOCK));
	convert_init(&pass.convert, plan, CONVERT_8BIT);
	ok = spool_writer_envelope(to, &e->envelope, why) &&
	     each_piece(e->writer, pass_piece, &pass, why);
	if (ok && !convert_end(&pass.convert, &pass.out))
		ok = why_set(why, "cannot convert the message");
	ok = ok && pass_flush(&pass);
	convert_clear(&pass.convert);
	buf_free(&pass.out);
	return ok;
}

static bool
replace_writer(
    struct enqueue *e, const struct convert_plan *plan, struct why *why)
{
	struct spool_writer *to = spool_writer_open(e->tables.spool_fd, why);

	if (to == NULL)
		return false;
	if (!e->settings->strict_sync)
		spool_writer_relax(to);
	(void)spool_writer_set_id(to, spool_writer_id(e->writer));
	e->envelope.options.flags &= ~(uint32_t)MAIL_BINARY;
	if (plan->has_8bit)
		e->envelope.options.flags |= MAIL_8BIT;
	if (!write_converted(e, plan, to, why)) {
		spool_writer_close(&to);
		return false;
	}
	log_info(
	    "%s: converted to 8 bits for a mailbox here", spool_writer_id(to));
	spool_writer_close(&e->writer);
	e->writer = to;
	return true;
}

bool
enqueue_must_convert(const struct enqueue *e)
{
	if ((e->envelope.options.flags & MAIL_BINARY) == 0)
		return false;
	for (size_t i = 0; i < e->envelope.recipient_count; i++)
		if (e->envelope.recipients[i].kind != TARGET_REMOTE)
			return true;
	return false;
}

bool
enqueue_convert(struct enqueue *e, struct inject_reply *reply)
{
	struct convert_plan plan;
	struct why why = { 0 };
	bool ok;

	convert_plan_init(&plan);
	ok = each_piece(e->writer, plan_piece, &plan, &why);
	if (ok)
		convert_plan_end(&plan);
	if (ok && plan.has_binary && plan.is_unreadable) {
		answer_set(reply, 554, "5.6.3",
		    "the message is binary, and its MIME structure cannot be "
		    "read to convert it for a mailbox");
		convert_plan_clear(&plan);
		return false;
	}
	if (ok && plan.has_binary)
		ok = replace_writer(e, &plan, &why);
	convert_plan_clear(&plan);
	if (!ok)
		enqueue_reply_of_error(reply, &why);
	return ok;
}
