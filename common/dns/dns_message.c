/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/dns/dns_message.h"

#include <stdio.h>
#include <string.h>

#define LABEL_MAX 63
#define CLASS_IN  1
#define TYPE_SOA  6
#define TYPE_OPT  41
#define EDNS_SIZE 1232 /* fits one packet everywhere */
#define EDNS_DO   0x8000
#define FLAG_AD   0x0020

#define TLSA_FIXED      3
#define TLSA_DIGEST_MAX 64

enum rcode {
	RCODE_OK = 0,
	RCODE_FORMAT = 1,
	RCODE_NAME = 3,
	RCODE_NOTIMP = 4
};

struct cursor {
	struct slice packet;
	size_t position;
};

/* One resource record; rdata lies in the packet. */
struct rr {
	char owner[DNS_NAME_SIZE];
	bool has_owner; /* the owner is a name we can print */
	uint16_t type, class;
	uint32_t ttl;
	size_t rdata, length;
};

static bool
add_u16(struct buf *out, unsigned int value)
{
	buf_add_char(out, (char)(value >> 8));
	return buf_add_char(out, (char)value);
}

static bool
add_name(struct buf *out, struct slice name)
{
	struct slice label;

	if (name.len == 0 || name.len > 253)
		return false;
	while (name.len > 0) {
		bool has_dot = slice_cut(name, '.', &label, &name);

		if (label.len == 0 || label.len > LABEL_MAX ||
		    (has_dot && name.len == 0))
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (label.ptr[i] <= 0x20 || label.ptr[i] > 0x7e)
				return false;
		buf_add_char(out, (char)label.len);
		buf_add(out, label);
	}
	return buf_add_char(out, '\0');
}

bool
dns_query_format(
    const struct dns_question *question, bool has_edns, struct buf *out)
{
	add_u16(out, question->id);
	add_u16(out, 0x0100); /* recursion desired */
	add_u16(out, 1);
	add_u16(out, 0);
	add_u16(out, 0);
	add_u16(out, has_edns);
	if (!add_name(out, slice_of(question->name)))
		return false;
	add_u16(out, question->type);
	add_u16(out, CLASS_IN);
	if (has_edns) {
		buf_add_char(out, '\0');
		add_u16(out, TYPE_OPT);
		add_u16(out, EDNS_SIZE);
		add_u16(out, 0);
		add_u16(out, question->wants_dnssec ? EDNS_DO : 0);
		add_u16(out, 0);
	}
	return !out->failed;
}

static bool
get_u16(struct cursor *c, uint16_t *value)
{
	const unsigned char *bytes;

	*value = 0;
	if (c->packet.len - c->position < 2)
		return false;
	bytes = (const unsigned char *)c->packet.ptr + c->position;
	*value = (uint16_t)(bytes[0] << 8 | bytes[1]);
	c->position += 2;
	return true;
}

static bool
get_u32(struct cursor *c, uint32_t *value)
{
	uint16_t high, low;

	*value = 0;
	if (!get_u16(c, &high) || !get_u16(c, &low))
		return false;
	*value = (uint32_t)high << 16 | low;
	return true;
}

/* Append one label; a byte that could be mistaken in text spoils the name,
 * not the message. */
static void
name_add(char *name, size_t *len, struct slice label, bool *is_good)
{
	if (*len + label.len + 2 > DNS_NAME_SIZE) {
		*is_good = false;
		return;
	}
	if (*len > 0)
		name[(*len)++] = '.';
	for (size_t i = 0; i < label.len; i++) {
		char c = label.ptr[i];

		if (c <= 0x20 || c > 0x7e || c == '.' || c == '\\')
			*is_good = false;
		name[(*len)++] = ascii_lower(c);
	}
	name[*len] = '\0';
}

/*
 * RFC 1035 section 4.1.4. A pointer must point before the place where the
 * part of the name that holds it began, so every jump goes strictly
 * backwards and the walk ends. False: the message is malformed.
 */
static bool
get_name(struct cursor *c, char name[DNS_NAME_SIZE], bool *is_good)
{
	size_t position = c->position, floor = c->position, len = 0;
	bool has_jumped = false;
	unsigned char first;

	name[0] = '\0';
	*is_good = true;
	for (;;) {
		if (position >= c->packet.len)
			return false;
		first = (unsigned char)c->packet.ptr[position++];
		if (first >= 0xc0) {
			if (position >= c->packet.len)
				return false;
			if (!has_jumped)
				c->position = position + 1;
			has_jumped = true;
			position = (size_t)(first & 0x3f) << 8 |
				   (unsigned char)c->packet.ptr[position];
			if (position >= floor)
				return false;
			floor = position;
			continue;
		}
		if (first > LABEL_MAX || first > c->packet.len - position)
			return false;
		if (first == 0)
			break;
		name_add(name, &len,
		    slice_make(c->packet.ptr + position, first), is_good);
		position += first;
	}
	if (!has_jumped)
		c->position = position;
	return true;
}

static bool
get_rr(struct cursor *c, struct rr *rr)
{
	uint16_t length;

	if (!get_name(c, rr->owner, &rr->has_owner) || !get_u16(c, &rr->type) ||
	    !get_u16(c, &rr->class) || !get_u32(c, &rr->ttl) ||
	    !get_u16(c, &length))
		return false;
	if (length > c->packet.len - c->position)
		return false;
	/* RFC 2181 section 8: a TTL with the first bit set is 0. */
	if (rr->type != TYPE_OPT && rr->ttl > INT32_MAX)
		rr->ttl = 0;
	rr->rdata = c->position;
	rr->length = length;
	c->position += length;
	return true;
}

static bool
name_equal(const char *a, const char *b)
{
	return slice_eq_nocase(slice_of(a), slice_of(b));
}

/* Follow the CNAMEs from name; several passes, as order is not promised. */
static void
follow_aliases(
    struct cursor start, size_t count, char name[DNS_NAME_SIZE], uint32_t *ttl)
{
	struct cursor c, target;
	struct rr rr;
	char next[DNS_NAME_SIZE];
	bool is_good, has_moved = true;

	for (int i = 0; i < LIMIT_DNS_ALIASES && has_moved; i++) {
		has_moved = false;
		c = start;
		for (size_t n = 0; n < count && get_rr(&c, &rr); n++) {
			target = c;
			target.position = rr.rdata;
			if (rr.type != DNS_CNAME || rr.class != CLASS_IN ||
			    !rr.has_owner || !name_equal(rr.owner, name) ||
			    !get_name(&target, next, &is_good) || !is_good)
				continue;
			memcpy(name, next, DNS_NAME_SIZE);
			has_moved = true;
			*ttl = rr.ttl < *ttl ? rr.ttl : *ttl;
			break;
		}
	}
}

/* RFC 1035 section 3.3.14: strings of a length byte, put together. */
static bool
get_text(struct slice rdata, char text[DNS_NAME_SIZE])
{
	size_t length, used = 0;

	while (rdata.len > 0) {
		length = (unsigned char)rdata.ptr[0];
		rdata = slice_from(rdata, 1);
		if (length > rdata.len)
			return false;
		for (size_t i = 0; i < length && used < DNS_NAME_SIZE - 1; i++)
			text[used++] =
			    ascii_is_print(rdata.ptr[i]) ? rdata.ptr[i] : '?';
		rdata = slice_from(rdata, length);
	}
	text[used] = '\0';
	return true;
}

/* RFC 6698 section 2.1. Longer than a digest is not looked at. */
static bool
get_tlsa(struct slice rdata, char text[DNS_NAME_SIZE])
{
	const unsigned char *bytes = (const unsigned char *)rdata.ptr;
	size_t used;

	if (rdata.len < TLSA_FIXED)
		return false;
	used = (size_t)snprintf(
	    text, DNS_NAME_SIZE, "%u %u %u ", bytes[0], bytes[1], bytes[2]);
	if (rdata.len > TLSA_FIXED + TLSA_DIGEST_MAX)
		return true;
	for (size_t i = TLSA_FIXED; i < rdata.len; i++)
		used += (size_t)snprintf(
		    text + used, DNS_NAME_SIZE - used, "%02x", bytes[i]);
	return true;
}

static bool
record_parse(struct cursor c, const struct rr *rr, struct dns_record *record)
{
	const char *rdata = c.packet.ptr + rr->rdata;
	bool is_good;

	memset(record, 0, sizeof(*record));
	c.position = rr->rdata;
	switch (rr->type) {
	case DNS_A:
		record->addr.family = 4;
		if (rr->length == 4)
			memcpy(record->addr.bytes, rdata, 4);
		return rr->length == 4;
	case DNS_AAAA:
		record->addr.family = 6;
		if (rr->length == 16)
			memcpy(record->addr.bytes, rdata, 16);
		return rr->length == 16;
	case DNS_MX:
		return get_u16(&c, &record->preference) &&
		       get_name(&c, record->name, &is_good) && is_good;
	case DNS_SRV:
		return get_u16(&c, &record->preference) &&
		       get_u16(&c, &record->weight) &&
		       get_u16(&c, &record->port) &&
		       get_name(&c, record->name, &is_good) && is_good;
	case DNS_PTR:
		return get_name(&c, record->name, &is_good) && is_good;
	case DNS_TXT:
		return get_text(slice_make(rdata, rr->length), record->name);
	case DNS_TLSA:
		return get_tlsa(slice_make(rdata, rr->length), record->name);
	}
	return false;
}

static void
collect(struct cursor c, size_t count, const struct dns_question *question,
    struct dns_answer *answer)
{
	char name[DNS_NAME_SIZE];
	struct rr rr;

	memcpy(name, question->name, sizeof(name));
	follow_aliases(c, count, name, &answer->ttl);
	for (size_t n = 0; n < count && get_rr(&c, &rr); n++) {
		if (rr.type != question->type || rr.class != CLASS_IN ||
		    !rr.has_owner || !name_equal(rr.owner, name) ||
		    !record_parse(c, &rr, &answer->records[answer->count]))
			continue;
		answer->ttl = rr.ttl < answer->ttl ? rr.ttl : answer->ttl;
		answer->count++;
	}
}

/* Is the question section ours? Leaves the cursor behind it. */
static bool
is_our_question(struct cursor *c, const struct dns_question *question)
{
	char name[DNS_NAME_SIZE];
	uint16_t type, class;
	bool is_good;

	return get_name(c, name, &is_good) && is_good &&
	       name_equal(name, question->name) && get_u16(c, &type) &&
	       get_u16(c, &class) && type == question->type &&
	       class == CLASS_IN;
}

struct header {
	uint16_t id, flags, questions, answers, authorities, additionals;
};

static bool
get_header(struct cursor *c, struct header *header)
{
	return get_u16(c, &header->id) && get_u16(c, &header->flags) &&
	       get_u16(c, &header->questions) && get_u16(c, &header->answers) &&
	       get_u16(c, &header->authorities) &&
	       get_u16(c, &header->additionals);
}

/* Is it a response to a query with our id? */
static bool
header_is_ours(const struct header *header, const struct dns_question *question)
{
	return header->id == question->id && (header->flags & 0xf800) == 0x8000;
}

/* RFC 2308 section 5: the smaller of the TTL of the SOA and its last number. */
static bool
get_minimum(struct cursor c, const struct rr *rr, uint32_t *ttl)
{
	char name[DNS_NAME_SIZE];
	uint32_t number = 0;
	bool is_good;

	c.position = rr->rdata;
	if (!get_name(&c, name, &is_good) || !get_name(&c, name, &is_good))
		return false;
	for (int i = 0; i < 5; i++)
		if (!get_u32(&c, &number))
			return false;
	*ttl = number < rr->ttl ? number : rr->ttl;
	return true;
}

/* What stands behind the answers: how long "no" holds, and the other half of
 * the response code (RFC 6891 section 6.1.3). */
static void
read_rest(struct cursor c, const struct header *header, uint32_t *negative_ttl,
    unsigned int *extended)
{
	size_t before = header->answers, after = before + header->authorities,
	       count = after + header->additionals;
	struct rr rr;

	*negative_ttl = *extended = 0;
	if (count > LIMIT_DNS_RECORDS)
		count = LIMIT_DNS_RECORDS;
	for (size_t n = 0; n < count && get_rr(&c, &rr); n++)
		if (n >= before && n < after && rr.type == TYPE_SOA &&
		    rr.class == CLASS_IN)
			get_minimum(c, &rr, negative_ttl);
		else if (n >= after && rr.type == TYPE_OPT)
			*extended = rr.ttl >> 24;
	if (*negative_ttl > LIMIT_DNS_NEGATIVE_TTL)
		*negative_ttl = LIMIT_DNS_NEGATIVE_TTL;
}

static void
answer_fill(struct cursor c, const struct header *header,
    const struct dns_question *question, struct dns_answer *answer)
{
	size_t count = header->answers;

	switch (header->flags & 0xf) {
	case RCODE_NAME:
		answer->status = DNS_NO_DOMAIN;
		return;
	case RCODE_OK:
		break;
	default:
		return;
	}
	if (count > LIMIT_DNS_RECORDS)
		count = LIMIT_DNS_RECORDS;
	collect(c, count, question, answer);
	answer->status = answer->count > 0 ? DNS_OK : DNS_NO_DATA;
}

enum dns_parse
dns_answer_parse(struct slice packet, const struct dns_question *question,
    struct dns_answer *answer)
{
	struct cursor c = { packet, 0 };
	struct header header;
	unsigned int rcode, extended;
	uint32_t negative_ttl;

	memset(answer, 0, sizeof(*answer));
	answer->status = DNS_TEMPORARY;
	answer->ttl = LIMIT_DNS_TTL;
	if (!get_header(&c, &header) || !header_is_ours(&header, question))
		return DNS_PARSE_FOREIGN;
	/* A server that cannot read EDNS may leave the question out. */
	rcode = header.flags & 0xf;
	if (rcode == RCODE_FORMAT || rcode == RCODE_NOTIMP)
		return DNS_PARSE_NO_EDNS;
	if (header.questions != 1 || !is_our_question(&c, question))
		return DNS_PARSE_FOREIGN;
	if ((header.flags & 0x0200) != 0)
		return DNS_PARSE_TRUNCATED;
	read_rest(c, &header, &negative_ttl, &extended);
	if (extended != 0)
		return DNS_PARSE_NO_EDNS;
	answer_fill(c, &header, question, answer);
	answer->is_authentic =
	    question->wants_dnssec && (header.flags & FLAG_AD) != 0;
	if (answer->status != DNS_OK && negative_ttl < answer->ttl)
		answer->ttl = negative_ttl;
	return DNS_PARSE_OK;
}
