/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/inject.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "common/io.h"
#include "common/result.h"

/* A reply with its longest text, and nothing that could hide behind it. */
#define INJECT_REPLY_MAX 1024

/*
 * Write whole vectors. The pipe is a socket pair: MSG_DONTWAIT makes the
 * deadline hold on a blocking descriptor, MSG_NOSIGNAL spares SIGPIPE.
 */
static bool
inject_write(int fd, struct iovec *vectors, size_t count, int64_t deadline)
{
	struct msghdr header = { .msg_iov = vectors, .msg_iovlen = count };
	ssize_t n;

	while (header.msg_iovlen > 0) {
		n = sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN &&
		    io_wait_writable(fd, deadline) == IO_OK)
			continue;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		while (header.msg_iovlen > 0 &&
		       (size_t)n >= header.msg_iov->iov_len) {
			n -= (ssize_t)header.msg_iov->iov_len;
			header.msg_iov++;
			header.msg_iovlen--;
		}
		if (header.msg_iovlen > 0) {
			header.msg_iov->iov_base =
			    (char *)header.msg_iov->iov_base + n;
			header.msg_iov->iov_len -= (size_t)n;
		}
	}
	return true;
}

static struct iovec
inject_vector(struct slice s)
{
	union {
		const char *from;
		char *to;
	} bytes = { .from = s.ptr };
	struct iovec vector = { .iov_base = bytes.to, .iov_len = s.len };

	return vector;
}

static bool
inject_parse_reply(struct message *message, struct inject_reply *reply)
{
	if (message->type != INJECT_REPLY)
		return false;
	message_get_u32(message, &reply->code);
	message_get_array(message, reply->status, sizeof(reply->status));
	message_get_array(message, reply->text, sizeof(reply->text));
	return message_end(message) && reply->code >= 200 && reply->code <= 599;
}

/* One frame. Requests and replies alternate: what comes with it is wrong. */
static bool
inject_receive(int fd, struct inject_reply *reply)
{
	int64_t deadline = io_deadline(TIMEOUT_INJECT);
	struct message message;
	struct buf input;
	bool ok = true, is_whole = false;
	size_t got = 0;
	char *room;

	message_init(&message);
	buf_init(&input, INJECT_REPLY_MAX);
	while (ok && !is_whole) {
		room = buf_reserve(&input, INJECT_REPLY_MAX - input.len);
		ok = input.len < INJECT_REPLY_MAX && room != NULL &&
		     io_read_some(fd, room, INJECT_REPLY_MAX - input.len, &got,
			 deadline) == IO_OK;
		if (!ok)
			break;
		buf_commit(&input, got);
		is_whole = message_take(&message, &input, &ok);
	}
	ok = ok && input.len == 0 && inject_parse_reply(&message, reply);
	message_free(&message);
	buf_free(&input);
	return ok;
}

/* Send the message (and free it), then wait for the answer. */
static bool
inject_ask(int fd, struct message *message, struct inject_reply *reply)
{
	struct iovec vector = inject_vector(message_finish(message));
	bool ok = !message->failed &&
		  inject_write(fd, &vector, 1, io_deadline(TIMEOUT_PIPE));

	message_free(message);
	return ok && (reply == NULL || inject_receive(fd, reply));
}

static bool
inject_ask_slice(
    int fd, enum inject_type type, struct slice s, struct inject_reply *reply)
{
	struct message message;

	message_init(&message);
	message_begin(&message, (uint8_t)type);
	message_put_slice(&message, s);
	return inject_ask(fd, &message, reply);
}

static bool
inject_ask_empty(int fd, enum inject_type type, struct inject_reply *reply)
{
	struct message message;

	message_init(&message);
	message_begin(&message, (uint8_t)type);
	return inject_ask(fd, &message, reply);
}

bool
inject_mail(
    int fd, const struct inject_sender *sender, struct inject_reply *reply)
{
	const struct mail_options *options = &sender->options;
	struct message message;

	message_init(&message);
	message_begin(&message, INJECT_MAIL);
	message_put_slice(&message, sender->reverse_path);
	message_put_slice(&message, sender->helo);
	message_put_u8(&message, sender->is_esmtp);
	message_put_u64(&message, sender->size);
	message_put_u32(&message, options->flags);
	message_put_u32(&message, (uint32_t)options->priority);
	message_put_u64(&message, options->hold_until);
	message_put_u64(&message, options->deliver_by);
	message_put_slice(&message, options->envelope_id);
	return inject_ask(fd, &message, reply);
}

bool
inject_rcpt(int fd, struct slice forward_path,
    const struct rcpt_options *options, struct inject_reply *reply)
{
	struct message message;

	message_init(&message);
	message_begin(&message, INJECT_RCPT);
	message_put_slice(&message, forward_path);
	message_put_u8(&message, options->notify);
	message_put_slice(&message, options->original);
	return inject_ask(fd, &message, reply);
}

bool
inject_greet(int fd, uint8_t early, struct inject_reply *reply)
{
	struct message message;

	message_init(&message);
	message_begin(&message, INJECT_GREET);
	message_put_u8(&message, early);
	return inject_ask(fd, &message, reply);
}

bool
inject_vrfy(int fd, struct slice address, struct inject_reply *reply)
{
	return inject_ask_slice(fd, INJECT_VRFY, address, reply);
}

static bool
receive_members(int fd, struct message *message, struct buf *members)
{
	struct slice lines;

	if (message_receive(message, fd, io_deadline(TIMEOUT_INJECT)) !=
		IO_OK ||
	    message->type != INJECT_MEMBERS)
		return false;
	message_get_slice(message, &lines);
	return message_end(message) && buf_add(members, lines);
}

bool
inject_expn(int fd, struct slice address, struct buf *members,
    struct inject_reply *reply)
{
	struct message message;
	bool ok;

	buf_clear(members);
	message_init(&message);
	ok = inject_ask_slice(fd, INJECT_EXPN, address, NULL) &&
	     receive_members(fd, &message, members) &&
	     message_receive(&message, fd, io_deadline(TIMEOUT_INJECT)) ==
		 IO_OK &&
	     inject_parse_reply(&message, reply);
	message_free(&message);
	return ok;
}

bool
inject_etrn(int fd, struct slice domain, struct inject_reply *reply)
{
	return inject_ask_slice(fd, INJECT_ETRN, domain, reply);
}

bool
inject_data(int fd, struct inject_reply *reply)
{
	return inject_ask_empty(fd, INJECT_DATA, reply);
}

/* A chunk's frame is its header, the length of its one slice, its bytes. */
static struct slice
inject_chunk_header(struct message *message, struct slice bytes)
{
	struct slice header;
	size_t length = bytes.len + 4;

	message_init(message);
	message_begin(message, INJECT_CHUNK);
	message_put_u32(message, (uint32_t)bytes.len);
	header = message_finish(message);
	for (size_t i = 0; i < 4; i++)
		message->frame.ptr[4 + i] = (char)(length >> (8 * i));
	return header;
}

bool
inject_chunk(int fd, struct slice bytes)
{
	struct message message;
	struct iovec vectors[2];
	bool ok;

	BUG_UNLESS(bytes.len <= LIMIT_PIPE_CHUNK);
	vectors[0] = inject_vector(inject_chunk_header(&message, bytes));
	vectors[1] = inject_vector(bytes);
	ok = inject_write(fd, vectors, 2, io_deadline(TIMEOUT_INJECT));
	message_free(&message);
	return ok;
}

bool
inject_end(int fd, struct inject_reply *reply)
{
	return inject_ask_empty(fd, INJECT_END, reply);
}

bool
inject_finish(int fd, struct slice bytes, struct inject_reply *reply)
{
	struct message chunk, end;
	struct iovec vectors[3];
	bool ok;

	if (bytes.len == 0)
		return inject_end(fd, reply);
	BUG_UNLESS(bytes.len <= LIMIT_PIPE_CHUNK);
	message_init(&end);
	message_begin(&end, INJECT_END);
	vectors[0] = inject_vector(inject_chunk_header(&chunk, bytes));
	vectors[1] = inject_vector(bytes);
	vectors[2] = inject_vector(message_finish(&end));
	ok = inject_write(fd, vectors, 3, io_deadline(TIMEOUT_INJECT));
	message_free(&chunk);
	message_free(&end);
	return ok && inject_receive(fd, reply);
}

bool
inject_abort(int fd)
{
	return inject_ask_empty(fd, INJECT_ABORT, NULL);
}
