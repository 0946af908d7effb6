/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fnmatch.h>
#include <string.h>

#include "common/limits.h"

#include "queue/mailq.h"

bool
mailq_parse_id(struct slice text, char id[SPOOL_ID_SIZE])
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '-')
			continue;
		if (n == SPOOL_ID_LENGTH)
			return false;
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		id[n++] = c;
	}
	id[n] = '\0';
	return spool_id_is_valid(slice_make(id, n));
}

/* "from=", "to=" and "domain=" fill a field each. */
static bool
parse_pattern(struct mailq_selection *selection, const char *word)
{
	const struct {
		const char *prefix;
		const char **field;
	} rows[] = { { "from=", &selection->from }, { "to=", &selection->to },
		{ "domain=", &selection->domain } };
	size_t length;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		length = strlen(rows[i].prefix);
		if (strncmp(word, rows[i].prefix, length) == 0) {
			*rows[i].field = word + length;
			return true;
		}
	}
	return false;
}

bool
mailq_selection_parse(
    struct mailq_selection *selection, char *const words[], struct why *why)
{
	memset(selection, 0, sizeof(*selection));
	for (; *words != NULL; words++) {
		if (strcmp(*words, "all") == 0) {
			selection->is_all = true;
			continue;
		}
		if (parse_pattern(selection, *words))
			continue;
		if (selection->id_count == MAILQ_IDS_MAX)
			return why_set(why, "more than %d ids", MAILQ_IDS_MAX);
		if (!mailq_parse_id(
			slice_of(*words), selection->ids[selection->id_count]))
			return why_set(why,
			    "%.60s is no queue id, from=, to=, domain= or "
			    "all",
			    *words);
		selection->id_count++;
	}
	return true;
}

bool
mailq_selection_is_empty(const struct mailq_selection *selection)
{
	return !selection->is_all && selection->id_count == 0 &&
	       selection->from == NULL && selection->to == NULL &&
	       selection->domain == NULL;
}

static bool
matches(const char *pattern, struct slice text)
{
	char array[2 * LIMIT_SMTP_PATH];

	return slice_to_array(text, array, sizeof(array)) &&
	       fnmatch(pattern, array, FNM_CASEFOLD | FNM_NOESCAPE) == 0;
}

static bool
recipient_matches(const struct mailq_selection *selection,
    const struct spool_recipient *recipient)
{
	struct slice domain = slice_from(
	    recipient->address, slice_last_index(recipient->address, '@') + 1);

	return (selection->to == NULL ||
		   matches(selection->to, recipient->address)) &&
	       (selection->domain == NULL ||
		   matches(selection->domain, domain));
}

bool
mailq_selection_matches(
    const struct mailq_selection *selection, const struct mailq_item *item)
{
	const struct spool_message *message = item->message;
	size_t i = 0;

	while (i < selection->id_count &&
	       strcmp(selection->ids[i], message->id) != 0)
		i++;
	if (selection->id_count > 0 && i == selection->id_count)
		return false;
	if (selection->from != NULL &&
	    !matches(selection->from, message->sender))
		return false;
	if (selection->to == NULL && selection->domain == NULL)
		return true;
	for (i = 0; i < message->recipient_count; i++)
		if (recipient_matches(selection, &message->recipients[i]))
			return true;
	return false;
}
