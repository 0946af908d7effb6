/* SPDX-License-Identifier: ISC */
/*
 * dns_message - DNS messages as bytes (RFC 1035 section 4). No I/O.
 *
 * Answers come from the network and are hostile: at most LIMIT_DNS_RECORDS
 * records are looked at, compression pointers must go strictly backwards,
 * names with bytes that no host name has make their record invisible, and
 * records that do not belong to the question (or to the CNAME chain that
 * starts there, LIMIT_DNS_ALIASES long) are passed over. An answer is used
 * only if its id and its question are those that were asked.
 */
#ifndef COMMON_DNS_DNS_MESSAGE_H
#define COMMON_DNS_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/netaddr.h"
#include "common/slice.h"

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_TLSA = 52
};

enum dns_status {
	DNS_OK,        /* at least one record */
	DNS_NO_DATA,   /* the name exists, without such records */
	DNS_NO_DOMAIN, /* the name does not exist */
	DNS_TEMPORARY, /* no answer, or one that says nothing */
};

#define DNS_NAME_SIZE 256

struct dns_record {
	struct netaddr addr;      /* A, AAAA */
	uint16_t preference;      /* MX; SRV: priority */
	uint16_t weight, port;    /* SRV */
	char name[DNS_NAME_SIZE]; /* MX, PTR, SRV: no dot at the end; "" is the
				   * root. TXT: its text, cut, printable.
				   * TLSA: "USAGE SELECTOR MATCHING HEX",
				   * without HEX what has no digest */
};

struct dns_answer {
	enum dns_status status;
	uint32_t ttl;      /* seconds, the smallest of all records used; of
			    * "no", as its SOA says (RFC 2308), else 0 */
	bool is_authentic; /* AD: the server says it has verified it */
	size_t count;
	struct dns_record records[LIMIT_DNS_RECORDS];
};

struct dns_question {
	uint16_t id;
	enum dns_type type;
	bool wants_dnssec; /* DO, with EDNS (RFC 3225, RFC 6840 section 5.8) */
	char name[DNS_NAME_SIZE];
};

enum dns_parse {
	DNS_PARSE_OK,        /* answer is filled in */
	DNS_PARSE_FOREIGN,   /* not an answer to this question: wait on */
	DNS_PARSE_TRUNCATED, /* ask again through TCP */
	DNS_PARSE_NO_EDNS,   /* FORMERR, NOTIMP, BADVERS: ask without EDNS */
};

/* False when the name is none: a label of 0 or more than 63 bytes, more
 * than 253 in all, a byte outside 0x21 to 0x7e. */
bool dns_query_format(
    const struct dns_question *question, bool has_edns, struct buf *out);
enum dns_parse dns_answer_parse(struct slice packet,
    const struct dns_question *question, struct dns_answer *answer);

#endif
