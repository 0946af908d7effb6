/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/buf.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"

void
buf_init(struct buf *buf, size_t ceiling)
{
	memset(buf, 0, sizeof(*buf));
	buf->ceiling = ceiling;
}

/* One byte more than asked for is kept for the NUL of buf_string. */
char *
buf_reserve(struct buf *buf, size_t n)
{
	size_t need, size;

	if (buf->failed || n > buf->ceiling - buf->len) {
		buf->failed = true;
		return NULL;
	}
	need = buf->len + n + 1;
	if (need > buf->size) {
		size = buf->size < 128 ? 128 : buf->size;
		while (size < need)
			size += size / 2;
		if (size > buf->ceiling + 1)
			size = buf->ceiling + 1;
		buf->ptr = alloc_resize(buf->ptr, size, 1);
		buf->size = size;
	}
	return buf->ptr + buf->len;
}

void
buf_commit(struct buf *buf, size_t n)
{
	buf->len += n;
}

bool
buf_add(struct buf *buf, struct slice s)
{
	char *room = buf_reserve(buf, s.len);

	if (room == NULL)
		return false;
	if (s.len > 0)
		memcpy(room, s.ptr, s.len);
	buf_commit(buf, s.len);
	return true;
}

bool
buf_add_string(struct buf *buf, const char *string)
{
	return buf_add(buf, slice_of(string));
}

bool
buf_add_char(struct buf *buf, char c)
{
	return buf_add(buf, slice_make(&c, 1));
}

bool
buf_add_format(struct buf *buf, const char *format, ...)
{
	va_list arguments;
	char *room;
	int n;

	va_start(arguments, format);
	n = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	room = n < 0 ? NULL : buf_reserve(buf, (size_t)n);
	if (room == NULL) {
		buf->failed = true;
		return false;
	}
	va_start(arguments, format);
	vsnprintf(room, (size_t)n + 1, format, arguments);
	va_end(arguments);
	buf_commit(buf, (size_t)n);
	return true;
}

bool
buf_add_printable(struct buf *buf, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (ascii_is_print(s.ptr[i]) && s.ptr[i] != '\\')
			buf_add_char(buf, s.ptr[i]);
		else
			buf_add_format(buf, "\\x%02X", (unsigned char)s.ptr[i]);
	}
	return !buf->failed;
}

struct slice
buf_slice(const struct buf *buf)
{
	return slice_make(buf->ptr, buf->len);
}

const char *
buf_string(struct buf *buf)
{
	if (buf->ptr == NULL)
		return "";
	buf->ptr[buf->len] = '\0';
	return buf->ptr;
}

void
buf_consume(struct buf *buf, size_t n)
{
	if (n > buf->len)
		n = buf->len;
	buf->len -= n;
	if (buf->len > 0)
		memmove(buf->ptr, buf->ptr + n, buf->len);
}

void
buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
}

void
buf_free(struct buf *buf)
{
	alloc_release(buf->ptr);
	buf_init(buf, buf->ceiling);
}
