/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mime/text.h"

#include "common/base64.h"

/* Bytes in a word, so that a line has at most 76 (RFC 2047 section 2). */
#define WORD_BYTES 39

struct word {
	struct slice charset, text;
	bool is_base64;
	size_t length; /* in the input */
};

/* "=?charset?B?text?=" at the start of s. */
static bool
word_at(struct slice s, struct word *word)
{
	struct slice rest, encoding, language;

	if (!slice_starts(s, S("=?")) ||
	    !slice_cut(slice_from(s, 2), '?', &word->charset, &rest) ||
	    !slice_cut(rest, '?', &encoding, &rest) || encoding.len != 1 ||
	    !slice_cut(rest, '?', &word->text, &rest) ||
	    !slice_starts(rest, S("=")))
		return false;
	/* RFC 2231 section 5: charset*language */
	(void)slice_cut(word->charset, '*', &word->charset, &language);
	word->is_base64 = ascii_lower(encoding.ptr[0]) == 'b';
	word->length = (size_t)(rest.ptr + 1 - s.ptr);
	return word->is_base64 || ascii_lower(encoding.ptr[0]) == 'q';
}

static bool
add_word(const struct word *word, struct buf *out)
{
	struct buf raw;
	bool ok;

	buf_init(&raw, word->text.len + 3);
	ok = word->is_base64 ? transfer_decode_base64(word->text, &raw)
			     : transfer_decode_quoted(word->text, true, &raw);
	ok = ok && charset_to_utf8(word->charset, buf_slice(&raw), out);
	buf_free(&raw);
	return ok;
}

static size_t
blanks(struct slice s)
{
	size_t n = 0;

	while (n < s.len && (ascii_is_space(s.ptr[n]) || s.ptr[n] == '\r' ||
				s.ptr[n] == '\n'))
		n++;
	return n;
}

/* Blanks between two encoded words are not there (RFC 2047 section 6.2). */
bool
encoded_word_decode(struct slice body, struct buf *out)
{
	bool after_word = false;
	struct word word;
	size_t n;

	while (body.len > 0 && !out->failed) {
		n = blanks(body);
		if (n > 0 && after_word && word_at(slice_from(body, n), &word))
			body = slice_from(body, n);
		if (word_at(body, &word)) {
			add_word(&word, out);
			body = slice_from(body, word.length);
			after_word = true;
			continue;
		}
		if (body.ptr[0] != '\r' && body.ptr[0] != '\n')
			buf_add_char(out, body.ptr[0]);
		if (n == 0)
			after_word = false;
		body = slice_from(body, 1);
	}
	return !out->failed;
}

/* Before the byte that begins a character. */
static size_t
word_end(struct slice utf8)
{
	size_t end = WORD_BYTES;

	if (utf8.len <= WORD_BYTES)
		return utf8.len;
	while (end > 1 && ((unsigned char)utf8.ptr[end] & 0xc0) == 0x80)
		end--;
	return end;
}

bool
encoded_word_encode(struct slice utf8, struct buf *out)
{
	size_t end;

	if (slice_is_ascii(utf8))
		return buf_add(out, utf8);
	while (utf8.len > 0) {
		end = word_end(utf8);
		buf_add_string(out, "=?utf-8?B?");
		base64_encode(slice_first(utf8, end), out);
		utf8 = slice_from(utf8, end);
		buf_add_string(out, utf8.len > 0 ? "?=\r\n " : "?=");
	}
	return !out->failed;
}
