/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "common/log.h"
#include "common/mailbox/mutf7.h"
#include "common/mime/nstring.h"

#include "imapd/pattern.h"
#include "imapd/session.h"

struct lister {
	struct session *session;
	const struct command *command;
	const char *response; /* "LIST" */
	struct slice pattern;
	struct slice last; /* the parent given last by LSUB */
};

/* RFC 6154: the settings name folders, which have one special use each. */
static const struct {
	struct slice name;
	const char *attribute;
} special_uses[] = {
	{ SLICE("Drafts"), "\\Drafts" },
	{ SLICE("Sent"), "\\Sent" },
	{ SLICE("Junk"), "\\Junk" },
	{ SLICE("Spam"), "\\Junk" },
	{ SLICE("Trash"), "\\Trash" },
	{ SLICE("Archive"), "\\Archive" },
};

static const char *
special_use(const struct session *session, struct slice name)
{
	const struct string_list *list = &session->settings->special_folders;
	bool is_listed = false;

	for (size_t i = 0; i < list->count; i++)
		if (slice_eq(slice_of(list->items[i]), name))
			is_listed = true;
	for (size_t i = 0;
	     is_listed && i < sizeof(special_uses) / sizeof(special_uses[0]);
	     i++)
		if (slice_eq(special_uses[i].name, name))
			return special_uses[i].attribute;
	return NULL;
}

static void
make_specials(struct session *session)
{
	const struct string_list *list = &session->settings->special_folders;
	struct why why = { 0 };
	struct slice name;

	if (session->has_specials)
		return;
	session->has_specials = true;
	for (size_t i = 0; i < list->count; i++) {
		name = slice_of(list->items[i]);
		if (mailbox_exists(session->mailbox, name))
			continue;
		if (!mailbox_create(session->mailbox, name, &why) ||
		    !mailbox_subscribe(session->mailbox, name, true, &why))
			log_warning("%s: %s", list->items[i], why.text);
	}
}

static void
say_folder(struct lister *lister, struct slice sent, const char *attributes,
    const char *use)
{
	struct buf *out = &lister->session->output->buf;
	bool has_both = attributes[0] != '\0' && use != NULL;

	buf_add_format(out, "* %s (%s%s%s) \"/\" ", lister->response,
	    attributes, has_both ? " " : "", use == NULL ? "" : use);
	imap_add_string(out, sent);
	buf_add(out, S("\r\n"));
	output_settle(lister->session->output);
}

static bool
is_subscribed_name(
    void *context, struct slice name, bool is_selectable, bool has_children)
{
	struct slice *wanted = context;

	(void)is_selectable;
	(void)has_children;
	if (slice_eq(*wanted, name))
		wanted->ptr = NULL;
	return wanted->ptr != NULL;
}

static bool
is_subscribed(struct session *session, struct slice name)
{
	(void)mailbox_each_subscribed(
	    session->mailbox, is_subscribed_name, &name, NULL);
	return name.ptr == NULL;
}

static const char *
folder_attributes(bool is_selectable, bool has_children)
{
	if (is_selectable)
		return has_children ? "\\HasChildren" : "\\HasNoChildren";
	return has_children ? "\\Noselect \\HasChildren"
			    : "\\Noselect \\HasNoChildren";
}

static bool
list_folder(
    void *context, struct slice name, bool is_selectable, bool has_children)
{
	struct lister *lister = context;
	const struct command *command = lister->command;
	const char *use = special_use(lister->session, name);
	struct buf sent;

	if (command->is_xlist && slice_eq(name, S("INBOX")))
		use = "\\Inbox";
	buf_init(&sent, 4096);
	if (mutf7_encode(name, &sent) &&
	    pattern_matches(lister->pattern, buf_slice(&sent)) &&
	    (!command->is_special_only || use != NULL) &&
	    (!command->is_subscribed_only ||
		is_subscribed(lister->session, name)))
		say_folder(lister, buf_slice(&sent),
		    folder_attributes(is_selectable, has_children), use);
	buf_free(&sent);
	return true;
}

/*
 * RFC 3501 section 6.3.9: a "%" that hides children shows their parent, when
 * it is not subscribed itself. name is sent in UTF-8.
 */
static void
lsub_parent(struct lister *lister, struct slice sent, struct slice name)
{
	size_t slash;

	while ((slash = slice_last_index(sent, MAILBOX_SEPARATOR)) < sent.len) {
		sent = slice_first(sent, slash);
		name = slice_first(
		    name, slice_last_index(name, MAILBOX_SEPARATOR));
		if (!pattern_matches(lister->pattern, sent))
			continue;
		if (!slice_eq(lister->last, sent) &&
		    !is_subscribed(lister->session, name))
			say_folder(lister, sent, "\\Noselect", NULL);
		lister->last = arena_slice(lister->session->arena, sent);
		return;
	}
}

static bool
lsub_folder(
    void *context, struct slice name, bool is_selectable, bool has_children)
{
	struct lister *lister = context;
	struct buf sent;

	(void)is_selectable;
	(void)has_children;
	buf_init(&sent, 4096);
	if (mutf7_encode(name, &sent)) {
		if (pattern_matches(lister->pattern, buf_slice(&sent)))
			say_folder(lister, buf_slice(&sent), "",
			    special_use(lister->session, name));
		else
			lsub_parent(lister, buf_slice(&sent), name);
	}
	buf_free(&sent);
	return true;
}

/* Reference and pattern are one string: our names have no root to go to. */
static bool
lister_begin(struct lister *lister, struct session *session,
    const struct command *command, const char *response)
{
	struct slice reference = command->name, pattern = command->other;
	char *whole =
	    arena_alloc(session->arena, reference.len + pattern.len + 1);

	*lister = (struct lister){
		.session = session, .command = command, .response = response
	};
	if (whole == NULL || reference.len + pattern.len > PATTERN_MAX) {
		reply_set(session, "NO [LIMIT] The pattern is too long");
		return false;
	}
	if (reference.len > 0)
		memcpy(whole, reference.ptr, reference.len);
	if (pattern.len > 0)
		memcpy(whole + reference.len, pattern.ptr, pattern.len);
	lister->pattern = slice_make(whole, reference.len + pattern.len);
	return true;
}

void
cmd_list(struct session *session, struct command *command)
{
	struct lister lister;
	struct why why = { 0 };

	if (!lister_begin(&lister, session, command,
		command->is_xlist ? "XLIST" : "LIST"))
		return;
	make_specials(session);
	if (command->other.len == 0) {
		say_folder(&lister, S(""), "\\Noselect", NULL);
	} else if (!mailbox_each(
		       session->mailbox, list_folder, &lister, &why)) {
		reply_why(session, &why);
		return;
	}
	reply_set(session, "OK List completed");
}

void
cmd_lsub(struct session *session, struct command *command)
{
	struct lister lister;
	struct why why = { 0 };

	if (!lister_begin(&lister, session, command, "LSUB"))
		return;
	if (mailbox_each_subscribed(
		session->mailbox, lsub_folder, &lister, &why))
		reply_set(session, "OK Lsub completed");
	else
		reply_why(session, &why);
}
