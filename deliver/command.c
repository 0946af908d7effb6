/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "deliver/command.h"

#include <sysexits.h>

#include "common/buf.h"

static const struct command_end ends[] = {
	{ EX_OK, 'D', "2.0.0", "delivered to command" },
	{ EX_USAGE, 'F', "5.3.0", "command line usage error" },
	{ EX_DATAERR, 'F', "5.6.0", "data format error" },
	{ EX_NOINPUT, 'F', "5.3.0", "cannot open input" },
	{ EX_NOUSER, 'F', "5.1.1", "user unknown" },
	{ EX_NOHOST, 'F', "5.1.2", "host name unknown" },
	{ EX_UNAVAILABLE, 'F', "5.3.0", "service unavailable" },
	{ EX_SOFTWARE, 'F', "5.3.0", "internal software error" },
	{ EX_OSERR, 'T', "4.3.0", "system resource problem" },
	{ EX_OSFILE, 'F', "5.3.0", "critical OS file missing" },
	{ EX_CANTCREAT, 'F', "5.2.0", "cannot create user output file" },
	{ EX_IOERR, 'T', "4.3.0", "input/output error" },
	{ EX_TEMPFAIL, 'T', "4.3.0", "temporary failure" },
	{ EX_PROTOCOL, 'F', "5.5.0", "remote error in protocol" },
	{ EX_NOPERM, 'F', "5.7.0", "permission denied" },
	{ EX_CONFIG, 'F', "5.3.5", "local configuration error" },
	/* qmail's way to say the same. */
	{ 99, 'D', "2.0.0", "delivered to command" },
	{ 100, 'F', "5.3.0", "command failed for good" },
	{ 111, 'T', "4.3.0", "temporary failure" },
	/* What a shell says of a command that it cannot run. */
	{ 126, 'T', "4.3.5", "command cannot be executed" },
	{ 127, 'T', "4.3.5", "command not found" },
};

const struct command_end *
command_end_find(int code)
{
	static const struct command_end other = { -1, 'F', "5.3.0",
		"command failed" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends[i].code == code)
			return &ends[i];
	return &other;
}

/* The bytes of a quoted part, up to and past its closing quote. */
static bool
take_quoted(struct slice *rest, struct buf *word)
{
	char quote = rest->ptr[0];

	*rest = slice_from(*rest, 1);
	while (rest->len > 0 && rest->ptr[0] != quote) {
		if (quote == '"' && rest->ptr[0] == '\\' && rest->len > 1)
			*rest = slice_from(*rest, 1);
		buf_add_char(word, rest->ptr[0]);
		*rest = slice_from(*rest, 1);
	}
	if (rest->len == 0)
		return false;
	*rest = slice_from(*rest, 1);
	return true;
}

static bool
take_word(struct slice *rest, struct buf *word, struct why *why)
{
	while (rest->len > 0 && !ascii_is_space(rest->ptr[0])) {
		char c = rest->ptr[0];

		if (c == '"' || c == '\'') {
			if (!take_quoted(rest, word))
				return why_set(why,
				    "a quote of the command is not closed");
			continue;
		}
		if (slice_index(S("|;&<>`$*?"), c) < 9)
			return why_set(why,
			    "the command needs a shell (\"%c\"): put "
			    "it into a script",
			    c);
		if (c == '\\' && rest->len > 1) {
			*rest = slice_from(*rest, 1);
			c = rest->ptr[0];
		}
		buf_add_char(word, c);
		*rest = slice_from(*rest, 1);
	}
	return true;
}

bool
command_split(struct slice text, struct arena *arena,
    char *words[COMMAND_WORDS_MAX + 1], struct why *why)
{
	size_t count = 0;
	struct buf word;
	bool ok = true;

	buf_init(&word, 65536);
	text = slice_trim(text);
	while (ok && text.len > 0) {
		buf_clear(&word);
		ok = take_word(&text, &word, why);
		if (ok && (count == COMMAND_WORDS_MAX || word.failed ||
			      slice_index(buf_slice(&word), '\0') < word.len))
			ok = why_set(why, "the command is too long");
		if (ok)
			words[count++] = arena_dup(arena, buf_slice(&word));
		text = slice_trim(text);
	}
	buf_free(&word);
	words[count] = NULL;
	if (ok && count == 0)
		return why_set(why, "the command is empty");
	return ok && words[count - 1] != NULL;
}
