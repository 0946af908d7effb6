/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mime/bodystructure.h"

#include "common/mime/envelope.h"
#include "common/mime/nstring.h"
#include "common/mime/parameter.h"

struct writer {
	struct buf *out;
	struct arena *arena;
	bool is_extended;
};

static void
write_parameter(
    struct buf *out, char before, struct slice name, struct slice value)
{
	buf_add_char(out, before);
	imap_add_string(out, name);
	buf_add_char(out, ' ');
	imap_add_string(out, value);
}

static void
write_parameters(struct buf *out, const struct mime_parameter *p)
{
	if (p == NULL) {
		buf_add(out, S("NIL"));
		return;
	}
	for (char c = '('; p != NULL; p = p->next, c = ' ')
		write_parameter(out, c, p->name, p->value);
	buf_add_char(out, ')');
}

static void
write_language(struct buf *out, struct slice language)
{
	struct slice token;
	size_t count = 0;

	while (slice_token(&language, S(", \t"), &token)) {
		buf_add_char(out, count++ == 0 ? '(' : ' ');
		imap_add_string(out, token);
	}
	buf_add_string(out, count == 0 ? "NIL" : ")");
}

/* Disposition, language, location: the end of both kinds of body. */
static void
write_extension(struct buf *out, const struct mime_part *part)
{
	if (part->disposition.len == 0) {
		buf_add(out, S(" NIL"));
	} else {
		buf_add(out, S(" ("));
		imap_add_string(out, part->disposition);
		buf_add_char(out, ' ');
		write_parameters(out, part->disposition_parameters);
		buf_add_char(out, ')');
	}
	buf_add_char(out, ' ');
	write_language(out, part->language);
	buf_add_char(out, ' ');
	imap_add_nstring(out, part->location);
}

/* RFC 2046 section 4.1.2: text without a charset is US-ASCII. */
static void
write_type(struct buf *out, const struct mime_part *part)
{
	const struct mime_parameter *p = part->parameters;
	char c = '(';

	imap_add_string(out, part->type);
	buf_add_char(out, ' ');
	imap_add_string(out, part->subtype);
	buf_add_char(out, ' ');
	if (!slice_eq_nocase(part->type, S("text")) ||
	    mime_parameter_get(p, S("charset")).len > 0) {
		write_parameters(out, p);
		return;
	}
	for (; p != NULL; p = p->next, c = ' ')
		write_parameter(out, c, p->name, p->value);
	write_parameter(out, c, S("charset"), S("us-ascii"));
	buf_add_char(out, ')');
}

static void
write_basic(struct buf *out, const struct mime_part *part)
{
	write_type(out, part);
	buf_add_char(out, ' ');
	imap_add_nstring(out, part->id);
	buf_add_char(out, ' ');
	imap_add_nstring(out, part->description);
	buf_add_char(out, ' ');
	imap_add_string(
	    out, part->encoding.len > 0 ? part->encoding : S("7bit"));
	buf_add_format(out, " %zu", part->body.len);
}

/* A leaf, or the head of a message part up to its embedded body. */
static bool
write_head(struct writer *w, const struct mime_part *part)
{
	buf_add_char(w->out, '(');
	if (part->is_multipart)
		return true;
	write_basic(w->out, part);
	if (!part->is_message || part->children == NULL)
		return true;
	buf_add_char(w->out, ' ');
	if (!envelope_format(w->out, part->children->header, w->arena))
		return false;
	return buf_add_char(w->out, ' ');
}

static void
write_tail(struct writer *w, const struct mime_part *part)
{
	struct buf *out = w->out;

	if (part->is_multipart) {
		if (part->children == NULL)
			buf_add(out,
			    S("(\"text\" \"plain\" (\"charset\" \"us-ascii\") "
			      "NIL NIL \"7bit\" 0 0"));
		if (part->children == NULL)
			buf_add_string(
			    out, w->is_extended ? " NIL NIL NIL NIL)" : ")");
		buf_add_char(out, ' ');
		imap_add_string(out, part->subtype);
		if (w->is_extended) {
			buf_add_char(out, ' ');
			write_parameters(out, part->parameters);
		}
	} else {
		if (slice_eq_nocase(part->type, S("text")) || part->is_message)
			buf_add_format(out, " %zu", part->lines);
		if (w->is_extended) {
			buf_add_char(out, ' ');
			imap_add_nstring(out, part->md5);
		}
	}
	if (w->is_extended)
		write_extension(out, part);
	buf_add_char(out, ')');
}

/* Depth first along the tree's own links. */
bool
bodystructure_format(struct buf *out, const struct mime_part *part,
    bool is_extended, struct arena *arena)
{
	struct writer w = { out, arena, is_extended };
	const struct mime_part *root = part;
	size_t start = out->len;
	bool ok = true;

	while (ok) {
		ok = write_head(&w, part);
		if (part->children != NULL) {
			part = part->children;
			continue;
		}
		write_tail(&w, part);
		while (part != root && part->next == NULL) {
			part = part->parent;
			write_tail(&w, part);
		}
		if (part == root)
			break;
		part = part->next;
	}
	ok = ok && !out->failed;
	if (!ok)
		out->len = start;
	return ok;
}
