/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "queue/client_data.h"

#include "common/limits.h"

void
client_data_begin(struct client *client)
{
	dot_encode_init(&client->encoder);
	buf_clear(&client->chunk);
	client->chunks_sent = client->chunks_answered = 0;
	client->is_after_cr = client->is_in_line = false;
}

bool
client_must_wait(const struct client *client)
{
	size_t limit =
	    client->extensions & CLIENT_PIPELINING ? LIMIT_RELAY_CHUNKS : 1;

	return client->chunks_sent - client->chunks_answered >= limit;
}

/* Any of CRLF, LF and CR becomes CRLF, as in common/dot.h. */
static void
add_lines(struct client *client, struct slice bytes)
{
	size_t start = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.ptr[i];
		bool is_second = c == '\n' && client->is_after_cr;

		client->is_after_cr = c == '\r';
		if (c != '\r' && c != '\n') {
			client->is_in_line = true;
			continue;
		}
		buf_add(
		    &client->chunk, slice_make(bytes.ptr + start, i - start));
		start = i + 1;
		if (!is_second)
			buf_add(&client->chunk, S("\r\n"));
		client->is_in_line = false;
	}
	buf_add(&client->chunk, slice_from(bytes, start));
}

static void
send_chunk(
    struct client *client, size_t size, const char *last, struct buf *out)
{
	buf_add_format(out, "BDAT %zu%s\r\n", size, last);
	buf_add(out, slice_first(buf_slice(&client->chunk), size));
	buf_consume(&client->chunk, size);
	client->chunks_sent++;
}

bool
client_body(struct client *client, struct slice bytes, struct buf *out)
{
	if (!client->uses_chunks)
		return dot_encode(&client->encoder, bytes, out);
	if (client->message->is_binary)
		buf_add(&client->chunk, bytes);
	else
		add_lines(client, bytes);
	/* One stays, so that the last chunk is never empty. */
	while (client->chunk.len > LIMIT_RELAY_CHUNK)
		send_chunk(client, LIMIT_RELAY_CHUNK, "", out);
	return !out->failed && !client->chunk.failed;
}

bool
client_body_end(struct client *client, struct buf *out)
{
	client->state = CLIENT_STATE_END;
	if (!client->uses_chunks)
		return dot_encode_end(&client->encoder, out);
	if (client->is_in_line)
		buf_add(&client->chunk, S("\r\n"));
	while (client->chunk.len > LIMIT_RELAY_CHUNK)
		send_chunk(client, LIMIT_RELAY_CHUNK, "", out);
	send_chunk(client, client->chunk.len, " LAST", out);
	return !out->failed;
}
