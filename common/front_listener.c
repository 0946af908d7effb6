/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/front.h"

#include <sys/socket.h>

const struct listener listener_table[] = {
	{ "smtp", LISTENER_SMTP, "smtpd", 25, false },
	{ "submission", LISTENER_SUBMISSION, "smtpd", 587, false },
	{ "submissions", LISTENER_SUBMISSIONS, "smtpd", 465, true },
	{ "pop3", LISTENER_POP3, "pop3d", 110, false },
	{ "pop3s", LISTENER_POP3S, "pop3d", 995, true },
	{ "imap", LISTENER_IMAP, "imapd", 143, false },
	{ "imaps", LISTENER_IMAPS, "imapd", 993, true },
	{ "lmtp", LISTENER_LMTP, "smtpd", 24, false },
	{ .name = NULL },
};

/* RFC 5321 section 3.8 (421), RFC 1939 and RFC 3206 ([SYS/TEMP],
 * [IN-USE]), RFC 3501 section 7.1.5 (BYE), RFC 5530 ([UNAVAILABLE]). */
#define SMTP_BUSY "421 4.3.2 Too many connections, try again later\r\n"
#define SMTP_CLIENT                                                            \
	"421 4.7.0 Too many connections from your address, close some\r\n"
#define POP3_BUSY   "-ERR [SYS/TEMP] Too many connections, try again later\r\n"
#define POP3_CLIENT "-ERR [SYS/TEMP] Too many connections from your address\r\n"
#define IMAP_BUSY                                                              \
	"* BYE [UNAVAILABLE] Too many connections, try again later\r\n"
#define IMAP_CLIENT                                                            \
	"* BYE [UNAVAILABLE] Too many connections from your address\r\n"

static const struct {
	struct slice smtp, pop3, imap;
} refusals[] = {
	[REFUSAL_SETTINGS] = { SLICE("421 4.3.5 Configuration error, try again "
				     "later\r\n"),
	    SLICE("-ERR [SYS/TEMP] Configuration error, try again later\r\n"),
	    SLICE("* BYE [UNAVAILABLE] Configuration error\r\n") },
	[REFUSAL_BUSY] = { SLICE(SMTP_BUSY), SLICE(POP3_BUSY),
	    SLICE(IMAP_BUSY) },
	[REFUSAL_CLIENT] = { SLICE(SMTP_CLIENT), SLICE(POP3_CLIENT),
	    SLICE(IMAP_CLIENT) },
	[REFUSAL_FAILED] = { SLICE("421 4.3.0 Cannot serve you now, try again "
				   "later\r\n"),
	    SLICE("-ERR [SYS/TEMP] Cannot serve you now, try again later\r\n"),
	    SLICE("* BYE [UNAVAILABLE] Cannot serve you now\r\n") },
};

const struct listener *
listener_find(struct slice name)
{
	for (const struct listener *l = listener_table; l->name != NULL; l++)
		if (slice_eq(slice_of(l->name), name))
			return l;
	return NULL;
}

bool
listener_has_login(const struct listener *listener)
{
	return listener->kind != LISTENER_SMTP &&
	       listener->kind != LISTENER_LMTP;
}

static struct slice
refusal_text(enum listener_kind kind, enum refusal refusal)
{
	switch (kind) {
	case LISTENER_SMTP:
	case LISTENER_SUBMISSION:
	case LISTENER_LMTP:
		return refusals[refusal].smtp;
	case LISTENER_POP3:
		return refusals[refusal].pop3;
	case LISTENER_IMAP:
		return refusals[refusal].imap;
	case LISTENER_SUBMISSIONS:
	case LISTENER_POP3S:
	case LISTENER_IMAPS:
		break;
	}
	return S("");
}

/* A fresh socket has room for one line; a peer without room hears none. */
void
front_refuse(const struct listener *listener, int fd, enum refusal refusal)
{
	struct slice text = refusal_text(listener->kind, refusal);
	ssize_t ignored =
	    send(fd, text.ptr, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);

	(void)ignored;
}
