/* SPDX-License-Identifier: ISC */
/*
 * bounce_texts - what notices to senders say, by kind and language.
 *
 * merpati-bounces(5): a text begins with "[KIND LANGUAGE]", has the fields
 * "Subject:" and "Means:", an empty line, and lines for people, in UTF-8, in
 * which "$NAME" stands for what is known at the time. "#" begins a comment at
 * the start of a line. A text replaces the one of the same kind and language
 * that was there before. Pure: no I/O.
 *
 * Which language: the one that the message prefers by Accept-Language or
 * Content-Language (RFC 3282) among those asked for, compared as RFC 4647
 * section 3.4 says ("de-AT" finds "de"); else the first of them.
 */
#ifndef COMMON_BOUNCE_TEXTS_H
#define COMMON_BOUNCE_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/result.h"
#include "common/settings.h"
#include "common/slice.h"

#define BOUNCE_TEXTS_MAX      200
#define BOUNCE_TEXTS_FILE_MAX (256 * 1024)
#define BOUNCE_TEXT_MAX       8000 /* bytes of one */
#define BOUNCE_TEXT_LINE_MAX  500
#define BOUNCE_LANGUAGE_MAX   35 /* RFC 5646 section 4.4.1 */

enum bounce_kind {
	BOUNCE_FAILED,
	BOUNCE_DELAYED,
	BOUNCE_SUCCESS,  /* delivered, or relayed to where reports end */
	BOUNCE_EXPANDED, /* an alias */
	BOUNCE_KINDS
};

/* What "$name" stands for. */
enum bounce_place {
	BOUNCE_PLACE_DOLLAR,
	BOUNCE_PLACE_HOSTNAME,
	BOUNCE_PLACE_QUEUE_ID,
	BOUNCE_PLACE_ARRIVED,
	BOUNCE_PLACE_RETRY_UNTIL, /* delayed only */
	BOUNCE_PLACE_RECIPIENTS,  /* once, on a line of its own */
	BOUNCE_PLACES             /* none: the end of the text */
};

struct bounce_text {
	enum bounce_kind kind;
	struct slice language; /* RFC 5646 */
	struct slice subject;
	struct slice means; /* before the meaning of an answer */
	struct slice body;  /* lines that end in LF */
};

/* As it stands in "[KIND LANGUAGE]". */
extern const struct slice bounce_kind_names[BOUNCE_KINDS];

struct bounce_texts;

/* Those that Merpati comes with. */
struct bounce_texts *bounce_texts_new(void);
void bounce_texts_default_text(struct buf *out);
/* text is copied. False: why says in which line; some may have been added. */
bool bounce_texts_add(
    struct bounce_texts *texts, struct slice text, struct why *why);
void bounce_texts_free(struct bounce_texts **texts);
/* NULL: there is none of exactly that language. */
const struct bounce_text *bounce_texts_find(const struct bounce_texts *texts,
    enum bounce_kind kind, struct slice language);
/* For a message with that header; never NULL. */
const struct bounce_text *bounce_texts_choose(const struct bounce_texts *texts,
    enum bounce_kind kind, const struct string_list *languages,
    struct slice header);
/* The next literal bytes of *rest, and what stands behind them. False: *rest
 * is the name of nothing. */
bool bounce_text_next(
    struct slice *rest, struct slice *literal, enum bounce_place *place);

#endif
