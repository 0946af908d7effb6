/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "smtpd/parameter.h"

static size_t
parameter_find(const struct parameter *table, struct slice name)
{
	size_t i;

	for (i = 0; table[i].name.len > 0; i++)
		if (slice_eq_nocase(table[i].name, name))
			break;
	return i;
}

static bool
is_offered(const struct session *session, const struct parameter *parameter)
{
	return parameter->name.len > 0 && (parameter->is_offered == NULL ||
					      parameter->is_offered(session));
}

bool
parameter_parse(struct session *session, const struct parameter *table,
    struct slice text, unsigned int *code, struct why *why)
{
	struct slice word, name, value;
	unsigned int seen = 0;
	bool has_value;
	size_t row;

	while (slice_token(&text, S(" \t"), &word)) {
		has_value = slice_cut(word, '=', &name, &value);
		row = parameter_find(table, name);
		*code = 555;
		if (!is_offered(session, &table[row]))
			return why_set(why, "%.*s is no parameter known here",
			    SLICE_FMT(slice_first(name, 64)));
		*code = 501;
		if (seen & 1u << row)
			return why_set(
			    why, "%s is given twice", table[row].name.ptr);
		seen |= 1u << row;
		if (has_value != table[row].has_value)
			return why_set(why, "%s takes %s value",
			    table[row].name.ptr,
			    table[row].has_value ? "a" : "no");
		if (!table[row].set(session, value, why))
			return false;
	}
	return true;
}
