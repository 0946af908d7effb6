/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/proxy.h"

#include <string.h>

#include "common/crc32c.h"
#include "common/limits.h"

enum {
	V1_SHORTEST = 15, /* "PROXY UNKNOWN\r\n" */
	V2_FIXED = 16,    /* signature, version and command, family, length */
	V2_COMMAND = 12,
	V2_FAMILY = 13,
	V2_LENGTH = 14,
	TLV_FIXED = 3,
	TLV_CRC32C = 3,
};

static const struct slice signature = SLICE("\r\n\r\n\0\r\nQUIT\n");
static const struct slice keyword = SLICE("PROXY ");

static enum proxy_status
bad(struct why *why, const char *text)
{
	why_set(why, "%s", text);
	return PROXY_BAD;
}

/* One word and the one blank behind it, which the last word has not. */
static bool
v1_word(struct slice *rest, struct slice *word)
{
	size_t blank = slice_index(*rest, ' ');

	*word = slice_first(*rest, blank);
	*rest = slice_from(*rest, blank + 1);
	return word->len > 0;
}

static bool
v1_address(struct slice *rest, uint8_t family, struct netaddr *out)
{
	struct slice word;
	bool is_ipv6;

	if (!v1_word(rest, &word) || !netaddr_parse(word, out))
		return false;
	is_ipv6 = slice_index(word, ':') < word.len;
	return is_ipv6 == (family == 6);
}

static bool
v1_port(struct slice *rest, struct netaddr *out)
{
	struct slice word;
	uint64_t port;

	if (!v1_word(rest, &word) || !slice_u64(word, 65535, &port) ||
	    (word.len > 1 && word.ptr[0] == '0'))
		return false;
	out->port = (uint16_t)port;
	return true;
}

/* line: without "PROXY " and CRLF. */
static enum proxy_status
v1_line(struct slice line, struct proxy_header *out, struct why *why)
{
	struct slice word, rest = line;
	uint8_t family;

	if (!v1_word(&rest, &word))
		return bad(why, "no protocol");
	if (slice_eq(word, S("UNKNOWN"))) {
		out->is_local = true;
		return PROXY_DONE;
	}
	if (!slice_eq(word, S("TCP4")) && !slice_eq(word, S("TCP6")))
		return bad(why, "a protocol that is not TCP4 or TCP6");
	family = word.ptr[3] == '4' ? 4 : 6;
	if (!v1_address(&rest, family, &out->source) ||
	    !v1_address(&rest, family, &out->destination))
		return bad(why, "a malformed address");
	if (!v1_port(&rest, &out->source) ||
	    slice_index(rest, ' ') < rest.len ||
	    !v1_port(&rest, &out->destination))
		return bad(why, "a malformed port");
	if (out->source.family != out->destination.family)
		return bad(why, "addresses of two families");
	return PROXY_DONE;
}

static enum proxy_status
v1_parse(
    struct slice bytes, size_t *more, struct proxy_header *out, struct why *why)
{
	size_t end = slice_index(bytes, '\n');

	if (end == bytes.len && bytes.len >= LIMIT_PROXY_LINE)
		return bad(why, "a line that is too long");
	if (end == bytes.len) {
		*more = bytes.len < V1_SHORTEST ? V1_SHORTEST - bytes.len : 1;
		return PROXY_MORE;
	}
	if (end + 1 != bytes.len || end < keyword.len ||
	    bytes.ptr[end - 1] != '\r')
		return bad(why, "a malformed line");
	return v1_line(
	    slice_from(slice_first(bytes, end - 1), keyword.len), out, why);
}

static size_t
number16(struct slice s, size_t at)
{
	return (size_t)(unsigned char)s.ptr[at] << 8 |
	       (size_t)(unsigned char)s.ptr[at + 1];
}

static void
v2_address(struct slice bytes, size_t at, size_t port_at, struct netaddr *out)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
		0xff };
	size_t size = out->family == 6 ? 16 : 4;

	memcpy(out->bytes, bytes.ptr + at, size);
	out->port = (uint16_t)number16(bytes, port_at);
	/* As every other address here: an IPv4 one is one. */
	if (out->family == 6 && memcmp(out->bytes, mapped, 12) == 0) {
		out->family = 4;
		memmove(out->bytes, out->bytes + 12, 4);
		memset(out->bytes + 4, 0, 12);
	}
}

/* The sum is over the header with its own four bytes as zeros. */
static bool
v2_sum_is_right(struct slice bytes, size_t at)
{
	static const unsigned char zeros[4] = { 0 };
	uint32_t sum = crc32c(0, bytes.ptr, at);
	uint32_t told = (uint32_t)number16(bytes, at) << 16 |
			(uint32_t)number16(bytes, at + 2);

	sum = crc32c(sum, zeros, sizeof(zeros));
	sum = crc32c(sum, bytes.ptr + at + 4, bytes.len - at - 4);
	return sum == told;
}

static enum proxy_status
v2_values(struct slice bytes, size_t at, struct why *why)
{
	while (at < bytes.len) {
		size_t size;

		if (bytes.len - at < TLV_FIXED)
			return bad(why, "half a TLV");
		size = number16(bytes, at + 1);
		if (size > bytes.len - at - TLV_FIXED)
			return bad(why, "a TLV that passes the end");
		if (bytes.ptr[at] == TLV_CRC32C &&
		    (size != 4 || !v2_sum_is_right(bytes, at + TLV_FIXED)))
			return bad(why, "a wrong CRC32C");
		at += TLV_FIXED + size;
	}
	return PROXY_DONE;
}

/* The whole header is there. */
static enum proxy_status
v2_complete(struct slice bytes, struct proxy_header *out, struct why *why)
{
	unsigned char family = (unsigned char)bytes.ptr[V2_FAMILY];
	size_t size = family == 0x11 ? 4 : 16;
	size_t at = V2_FIXED;

	if (bytes.ptr[V2_COMMAND] == 0x20 || family == 0x00) {
		out->is_local = true;
		return PROXY_DONE;
	}
	if (family != 0x11 && family != 0x21)
		return bad(why, "a family that is not TCP over IPv4 or IPv6");
	if (bytes.len < at + 2 * size + 4)
		return bad(why, "half an address");
	out->source.family = out->destination.family = size == 4 ? 4 : 6;
	v2_address(bytes, at, at + 2 * size, &out->source);
	v2_address(bytes, at + size, at + 2 * size + 2, &out->destination);
	if (out->source.family != out->destination.family)
		return bad(why, "addresses of two families");
	return v2_values(bytes, at + 2 * size + 4, why);
}

static enum proxy_status
v2_parse(
    struct slice bytes, size_t *more, struct proxy_header *out, struct why *why)
{
	size_t whole;

	if (bytes.len < V2_FIXED) {
		/* No header is shorter, of either version. */
		*more = bytes.len < V1_SHORTEST ? V1_SHORTEST - bytes.len : 1;
		return PROXY_MORE;
	}
	if (bytes.ptr[V2_COMMAND] != 0x20 && bytes.ptr[V2_COMMAND] != 0x21)
		return bad(why, "an unknown version or command");
	whole = V2_FIXED + number16(bytes, V2_LENGTH);
	if (whole > LIMIT_PROXY_HEADER)
		return bad(why, "a header that is too long");
	if (bytes.len > whole)
		return bad(why, "bytes behind the header");
	*more = whole - bytes.len;
	return *more > 0 ? PROXY_MORE : v2_complete(bytes, out, why);
}

enum proxy_status
proxy_parse(
    struct slice bytes, size_t *more, struct proxy_header *out, struct why *why)
{
	size_t n = bytes.len;

	memset(out, 0, sizeof(*out));
	*more = V1_SHORTEST;
	if (n == 0)
		return PROXY_MORE;
	if (slice_eq(slice_first(bytes, keyword.len), slice_first(keyword, n)))
		return v1_parse(bytes, more, out, why);
	if (slice_eq(
		slice_first(bytes, signature.len), slice_first(signature, n)))
		return v2_parse(bytes, more, out, why);
	return bad(why, "no PROXY header");
}

static bool
address_is_sane(const struct netaddr *address)
{
	static const uint8_t none[12] = { 0 };

	return address->family == 6 ||
	       (address->family == 4 &&
		   memcmp(address->bytes + 4, none, sizeof(none)) == 0);
}

bool
proxy_facts_are_sane(const struct proxy_facts *facts)
{
	if (facts->magic != PROXY_FACTS_MAGIC || facts->is_local > 1)
		return false;
	return facts->is_local == 1 ||
	       (facts->source.family == facts->destination.family &&
		   address_is_sane(&facts->source) &&
		   address_is_sane(&facts->destination));
}
