/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "queue/mailq.h"

#define REASON_WIDTH 76 /* Postfix puts the reason's end at column 78 */
#define ID_WIDTH     (SPOOL_ID_LENGTH + 1)

static const char *const state_names[MAILQ_STATES] = { "active", "deferred",
	"hold" };
static const char state_marks[MAILQ_STATES] = { '*', ' ', '!' };

static struct slice
sender_of(const struct mailq_item *item)
{
	return item->message->sender.len > 0 ? item->message->sender
					     : S("MAILER-DAEMON");
}

bool
mailq_is_open(const struct mailq_item *item, size_t i)
{
	char status = item->message->recipients[i].status;

	return status == RECIPIENT_TODO || status == RECIPIENT_FAILED;
}

void
mailq_totals_add(struct mailq_totals *totals, const struct mailq_item *item)
{
	const struct spool_message *message = item->message;

	totals->messages++;
	totals->bytes += message->body_length;
	totals->states[item->state]++;
	if (totals->oldest == 0 || message->created < totals->oldest)
		totals->oldest = message->created;
	for (size_t i = 0; i < message->recipient_count; i++)
		totals->recipients += mailq_is_open(item, i);
}

static void
print_classic_recipients(struct buf *out, const struct mailq_item *item)
{
	struct slice last = { NULL, 0 }, why;
	size_t padding;

	for (size_t i = 0; i < item->message->recipient_count; i++) {
		if (!mailq_is_open(item, i))
			continue;
		why = item->reasons[i].text;
		if (why.len > 0 && !slice_eq(why, last)) {
			padding =
			    why.len < REASON_WIDTH ? REASON_WIDTH - why.len : 0;
			buf_add_format(out, "%*s(", (int)padding, "");
			buf_add_printable(out, why);
			buf_add_string(out, ")\n");
		}
		last = why;
		buf_add_format(out, "%-*s %7s %-20s ", ID_WIDTH, "", "", "");
		buf_add_printable(out, item->message->recipients[i].address);
		buf_add_char(out, '\n');
	}
}

/* "Thu Dec 24 18:00:00 2026" */
static void
add_hold_time(struct buf *out, const struct mailq_item *item)
{
	time_t until = (time_t)item->held_until;
	struct tm local;
	char when[40] = "";

	if (localtime_r(&until, &local) != NULL)
		strftime(when, sizeof(when), "%a %b %e %H:%M:%S %Y", &local);
	buf_add_format(out, "held until %s", when);
}

void
mailq_print_classic(
    struct buf *out, const struct mailq_item *item, bool is_first)
{
	time_t created = (time_t)item->message->created;
	struct tm local;
	char when[32];

	buf_add_string(out, is_first
				? "-Queue ID- --Size-- ----Arrival Time---- "
				  "-Sender/Recipient-------\n"
				: "\n");
	localtime_r(&created, &local);
	strftime(when, sizeof(when), "%a %b %e %H:%M:%S", &local);
	buf_add_format(out, "%s%c %7llu %-20s ", item->message->id,
	    state_marks[item->state],
	    (unsigned long long)item->message->body_length, when);
	buf_add_printable(out, sender_of(item));
	buf_add_char(out, '\n');
	if (item->held_until != 0) {
		buf_add_format(out, "%*s(", 40, "");
		add_hold_time(out, item);
		buf_add_string(out, ")\n");
	}
	print_classic_recipients(out, item);
}

void
mailq_print_classic_end(struct buf *out, const struct mailq_totals *totals)
{
	if (totals->messages == 0) {
		buf_add_string(out, "Mail queue is empty\n");
		return;
	}
	buf_add_format(out, "\n-- %llu Kbytes in %llu Request%s.\n",
	    (unsigned long long)(totals->bytes + 1023) / 1024,
	    (unsigned long long)totals->messages,
	    totals->messages == 1 ? "" : "s");
}

const char *
mailq_format_age(uint64_t seconds, char text[MAILQ_AGE_SIZE])
{
	static const struct {
		uint64_t size;
		char letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;

	while (i < 3 && seconds < units[i].size)
		i++;
	if (i < 2 && seconds % units[i].size >= units[i + 1].size)
		snprintf(text, MAILQ_AGE_SIZE, "%llu%c%llu%c",
		    (unsigned long long)(seconds / units[i].size),
		    units[i].letter,
		    (unsigned long long)(seconds % units[i].size /
					 units[i + 1].size),
		    units[i + 1].letter);
	else
		snprintf(text, MAILQ_AGE_SIZE, "%llu%c",
		    (unsigned long long)(seconds / units[i].size),
		    units[i].letter);
	return text;
}

static const char *
format_size(uint64_t bytes, char text[24])
{
	double size = (double)bytes;

	if (bytes < 1024)
		snprintf(text, 24, "%llu", (unsigned long long)bytes);
	else if (bytes < 1024 * 1024)
		snprintf(text, 24, "%.1fK", size / 1024);
	else
		snprintf(text, 24, "%.1fM", size / (1024 * 1024));
	return text;
}

static const char *
format_next(const struct mailq_item *item, uint64_t now, char text[24])
{
	uint64_t next = item->message->schedule.next;

	if (item->state == MAILQ_HELD)
		return "held";
	return next <= now ? "now" : mailq_format_age(next - now, text);
}

void
mailq_print_line(
    struct buf *out, const struct mailq_item *item, uint64_t now, bool is_first)
{
	const struct spool_message *message = item->message;
	uint64_t age = now > message->created ? now - message->created : 0;
	char age_text[MAILQ_AGE_SIZE], size_text[24], next_text[24];

	if (is_first)
		buf_add_format(out, "%-13s %7s %7s %3s %7s  %s\n", "ID", "AGE",
		    "SIZE", "TRY", "NEXT", "FROM  TO  WHY");
	for (size_t i = 0; i < message->recipient_count; i++) {
		if (!mailq_is_open(item, i))
			continue;
		buf_add_format(out, "%s %7s %7s %3lu %7s  ", message->id,
		    mailq_format_age(age, age_text),
		    format_size(message->body_length, size_text),
		    (unsigned long)message->schedule.attempts,
		    format_next(item, now, next_text));
		buf_add_printable(out, sender_of(item));
		buf_add_string(out, "  ");
		buf_add_printable(out, message->recipients[i].address);
		buf_add_string(out, "  ");
		if (item->held_until != 0)
			add_hold_time(out, item);
		else
			buf_add_printable(out, item->reasons[i].text.len > 0
						   ? item->reasons[i].text
						   : S("-"));
		buf_add_char(out, '\n');
	}
}

/* RFC 8259 section 7; bytes over 127 are taken as they are only when the
 * address grammar let them in, which it does not. */
static void
add_json(struct buf *out, struct slice s)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"' || s.ptr[i] == '\\')
			buf_add_format(out, "\\%c", s.ptr[i]);
		else if (ascii_is_print(s.ptr[i]))
			buf_add_char(out, s.ptr[i]);
		else
			buf_add_format(out, "\\u%04x",
			    (unsigned int)(unsigned char)s.ptr[i]);
	}
	buf_add_char(out, '"');
}

/* The keys of "postqueue -j", and attempts and next. */
void
mailq_print_json(struct buf *out, const struct mailq_item *item)
{
	const struct spool_message *message = item->message;
	const char *separator = "";

	buf_add_format(out,
	    "{\"queue_name\": \"%s\", \"queue_id\": \"%s\", "
	    "\"arrival_time\": %llu, \"message_size\": %llu, "
	    "\"attempts\": %lu, \"next\": %llu, \"sender\": ",
	    state_names[item->state], message->id,
	    (unsigned long long)message->created,
	    (unsigned long long)message->body_length,
	    (unsigned long)message->schedule.attempts,
	    (unsigned long long)message->schedule.next);
	add_json(out, message->sender);
	if (item->held_until != 0)
		buf_add_format(out, ", \"hold_until\": %llu",
		    (unsigned long long)item->held_until);
	buf_add_string(out, ", \"recipients\": [");
	for (size_t i = 0; i < message->recipient_count; i++) {
		if (!mailq_is_open(item, i))
			continue;
		buf_add_format(out, "%s{\"address\": ", separator);
		add_json(out, message->recipients[i].address);
		if (item->reasons[i].text.len > 0) {
			buf_add_string(out, ", \"delay_reason\": ");
			add_json(out, item->reasons[i].text);
		}
		buf_add_char(out, '}');
		separator = ", ";
	}
	buf_add_string(out, "]}\n");
}

static const char *
status_word(char status)
{
	static const struct {
		char status;
		const char *word;
	} rows[] = { { RECIPIENT_TODO, "waiting" },
		{ RECIPIENT_DONE, "delivered" }, { RECIPIENT_FAILED, "failed" },
		{ RECIPIENT_BOUNCED, "returned" },
		{ RECIPIENT_DELETED, "deleted" },
		{ RECIPIENT_DELIVERED, "delivered" },
		{ RECIPIENT_RELAYED, "relayed" } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].status == status)
			return rows[i].word;
	return "unknown";
}

static void
print_fact(struct buf *out, const char *name, struct slice value)
{
	if (value.len == 0)
		return;
	buf_add_format(out, "%-10s ", name);
	buf_add_printable(out, value);
	buf_add_char(out, '\n');
}

void
mailq_print_envelope(struct buf *out, const struct mailq_item *item)
{
	const struct spool_message *message = item->message;
	time_t created = (time_t)message->created;
	struct tm local;
	char when[40], size[24];

	localtime_r(&created, &local);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %z", &local);
	buf_add_format(out, "%-10s %s\n%-10s %s\n%-10s %s\n%-10s %s\n", "id",
	    message->id, "state", state_names[item->state], "arrived", when,
	    "size", format_size(message->body_length, size));
	buf_add_format(out, "%-10s %lu\n", "attempts",
	    (unsigned long)message->schedule.attempts);
	if (item->held_until != 0) {
		buf_add_format(out, "%-10s ", "hold");
		add_hold_time(out, item);
		buf_add_char(out, '\n');
	}
	if (message->options.priority != 0)
		buf_add_format(out, "%-10s %d\n", "priority",
		    (int)message->options.priority);
	print_fact(out, "from", sender_of(item));
	print_fact(out, "envid", message->options.envelope_id);
	print_fact(out, "login", message->login);
	print_fact(out, "helo", message->helo);
	print_fact(out, "client", message->peer);
	for (size_t i = 0; i < message->recipient_count; i++) {
		buf_add_format(out, "%-10s ", "to");
		buf_add_printable(out, message->recipients[i].address);
		buf_add_format(
		    out, "  %s", status_word(message->recipients[i].status));
		if (item->reasons[i].text.len > 0) {
			buf_add_string(out, ": ");
			buf_add_printable(out, item->reasons[i].text);
		}
		if (item->reasons[i].meaning.len > 0) {
			buf_add_format(out, "\n%-10s ", "means");
			buf_add_printable(out, item->reasons[i].meaning);
		}
		buf_add_char(out, '\n');
	}
}

void
mailq_print_summary(
    struct buf *out, const struct mailq_totals *totals, uint64_t now)
{
	uint64_t age = now > totals->oldest ? now - totals->oldest : 0;
	char size[24], oldest[MAILQ_AGE_SIZE];

	if (totals->messages == 0) {
		buf_add_string(out, "Mail queue is empty\n");
		return;
	}
	buf_add_format(out, "%llu messages, %llu recipients, %s, oldest %s\n",
	    (unsigned long long)totals->messages,
	    (unsigned long long)totals->recipients,
	    format_size(totals->bytes, size), mailq_format_age(age, oldest));
	for (size_t i = 0; i < MAILQ_STATES; i++)
		if (totals->states[i] > 0)
			buf_add_format(out, "%-9s %6llu\n", state_names[i],
			    (unsigned long long)totals->states[i]);
}
