/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/dns/dns_many.h"
#include "common/front.h"
#include "common/io.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/verify_syntax.h"

#include "smtpd/verify_modules.h"

/* Lists of clients in the DNS (RFC 5782), with weights, asked all at once.
 * What cannot be asked weighs nothing. */

/* An address backwards, and a zone. */
enum {
	REVERSE_NAME_SIZE = 2 * DNS_NAME_SIZE
};

static bool
is_wanted(const struct settings *settings)
{
	return settings->dnsbl.count > 0;
}

/* 127.255.255.0/24 is how lists say that they do not answer this asker. */
static bool
is_error(const uint8_t answer[4])
{
	return answer[0] == 127 && answer[1] == 255 && answer[2] == 255;
}

struct tally {
	struct verify *verify;
	struct dnsbl_entry *entries;
	size_t count;
	struct buf names; /* of all entries, one after the other */
	int64_t sum;      /* of those that list the client */
	int64_t helpful;  /* and of the negative ones that may still do so */
	size_t heaviest;  /* entry; count: none */
};

static bool
is_listed(const struct tally *tally, const struct dnsbl_entry *entry,
    const struct dns_answer *answer)
{
	const char *id = tally->verify->facts.id;

	if (answer->status == DNS_TEMPORARY)
		log_warning("%s: dnsbl: no answer from %s", id, entry->zone);
	for (size_t i = 0; answer->status == DNS_OK && i < answer->count; i++) {
		const uint8_t *bytes = answer->records[i].addr.bytes;

		if (is_error(bytes))
			log_warning("%s: dnsbl: %s does not answer this name "
				    "server",
			    id, entry->zone);
		else if (dnsbl_matches(entry, bytes))
			return true;
	}
	return false;
}

static int64_t
threshold_of(const struct tally *tally)
{
	int64_t threshold = (int64_t)tally->verify->settings->dnsbl_threshold;

	return threshold > 0 ? threshold : 1;
}

/* In whatever order answers come. False: no other answer can save it. */
static bool
hear(void *context, size_t index, const struct dns_answer *answer)
{
	struct tally *tally = context;
	const struct dnsbl_entry *entry = &tally->entries[index], *heaviest;

	if (entry->weight < 0)
		tally->helpful -= entry->weight;
	if (!is_listed(tally, entry, answer))
		return true;
	tally->sum += entry->weight;
	heaviest = &tally->entries[tally->heaviest];
	if (tally->heaviest == tally->count ||
	    entry->weight > heaviest->weight ||
	    (entry->weight == heaviest->weight && index < tally->heaviest))
		tally->heaviest = index;
	return tally->sum + tally->helpful < threshold_of(tally);
}

/* The entries, and how many bytes their names may have. */
static void
read_entries(struct tally *tally)
{
	const struct string_list *list = &tally->verify->settings->dnsbl;
	struct dnsbl_entry *entry;

	tally->entries = alloc_zero(list->count, sizeof(*tally->entries));
	for (size_t i = 0; i < list->count; i++) {
		entry = &tally->entries[tally->count];
		if (!dnsbl_parse(slice_of(list->items[i]), entry, NULL))
			continue;
		tally->count++;
		if (entry->weight < 0)
			tally->helpful += entry->weight;
	}
	tally->heaviest = tally->count;
	buf_init(&tally->names, (tally->count + 1) * REVERSE_NAME_SIZE);
}

static void
ask_lists(struct tally *tally)
{
	struct verify *verify = tally->verify;
	struct slice *names = alloc_zero(tally->count + 1, sizeof(*names));
	const struct dns_many many = { names, tally->count, DNS_A, hear,
		tally };
	size_t start;
	char *room = buf_reserve(&tally->names, tally->names.ceiling);

	for (size_t i = 0; i < tally->count && room != NULL; i++) {
		start = tally->names.len;
		if (dns_reverse_format(&tally->names, &verify->facts.peer,
			tally->entries[i].zone))
			names[i] = slice_from(buf_slice(&tally->names), start);
	}
	dns_find_many(&verify->dns, &many);
	alloc_release(names);
}

/* What the list has to say to the listed. */
static void
find_text(struct tally *tally, const char *zone, char *text, size_t size)
{
	struct verify *verify = tally->verify;
	const struct dns_answer *answer;

	text[0] = '\0';
	buf_clear(&tally->names);
	if (!dns_reverse_format(&tally->names, &verify->facts.peer, zone))
		return;
	answer = dns_find(&verify->dns, buf_slice(&tally->names), DNS_TXT);
	if (answer->status == DNS_OK && answer->records[0].name[0] != '\0')
		snprintf(text, size, ": %.255s", answer->records[0].name);
}

static void
ask(struct verify *verify, void *none, const struct verify_question *question,
    struct verify_reply *reply)
{
	struct tally tally = { .verify = verify };
	char peer[NETADDR_TEXT_SIZE], text[280];
	const char *zone;

	(void)none;
	if (verify->is_trusted || question->facts.listener != LISTENER_SMTP)
		return;
	verify->dns.deadline = io_deadline(TIMEOUT_VERIFY_LISTS);
	read_entries(&tally);
	ask_lists(&tally);
	verify->is_allowed = tally.sum < 0;
	if (tally.sum >= threshold_of(&tally)) {
		zone = tally.entries[tally.heaviest].zone;
		find_text(&tally, zone, text, sizeof(text));
		verify_refuse(reply, 554, "5.7.1",
		    "client [%s] is listed by %s%s",
		    netaddr_format(&verify->facts.peer, peer), zone, text);
	}
	buf_free(&tally.names);
	alloc_release(tally.entries);
}

const struct verify_module verify_dnsbl_module = {
	.name = "dnsbl",
	.asks = VERIFY_ASKS(VERIFY_CONNECT),
	.is_wanted = is_wanted,
	.ask = ask,
};
