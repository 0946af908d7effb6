/* SPDX-License-Identifier: ISC */
/*
 * verify - opinions on one connection, for enqueue (common/verify.h).
 *
 * One process per connection. It holds nothing but its pipe to enqueue, what
 * its modules opened, and, for the time of an exchange, sockets to name
 * servers and to policy servers and filters. Each module of verify_modules
 * hears the questions that it names, in the order of the table; the first
 * refusal ends a question, a hold goes on. Modules keep their own state for
 * the connection and reset what belongs to a message at MAIL and ABORT.
 *
 * verify.c runs the modules, verify_program.c the pipe and the jail.
 */
#ifndef SMTPD_VERIFY_H
#define SMTPD_VERIFY_H

#include <stdbool.h>
#include <time.h>

#include "common/program.h"
#include "common/result.h"
#include "common/settings.h"
#include "common/verify.h"

#include "common/dns/dns.h"

#include "smtpd/verify_memory.h"

/* A program_fn: runs until enqueue closes the pipe. */
program_fn verify_program;

#define VERIFY_MODULES_MAX 16
#define VERIFY_ASKS(type)  (1u << (type))

struct verify;

/* reply is PASS when the module is asked; it fills in what it thinks. */
typedef void verify_ask_fn(struct verify *verify, void *state,
    const struct verify_question *question, struct verify_reply *reply);

struct verify_module {
	const char *name;
	unsigned int asks; /* VERIFY_ASKS bits */
	/* Does a setting want it? */
	bool (*is_wanted)(const struct settings *settings);
	/* Before the jail, with the rights it was started with: reads its
	 * files. The state, NULL and why when it cannot work: then it is left
	 * out, and logged. Both NULL: it has no state. */
	void *(*open)(const struct settings *settings, struct why *why);
	void (*close)(void *state);
	verify_ask_fn *ask;
};

extern const struct verify_module *const verify_modules[]; /* NULL ends */

/* Sends one VERIFY_EDIT ahead of the reply; false when it cannot. */
typedef bool
verify_change_fn(void *context, const struct verify_change *change);

struct verify {
	const struct settings *settings;
	struct dns_resolver dns;
	struct verify_memory memory;
	bool is_used[VERIFY_MODULES_MAX];
	void *states[VERIFY_MODULES_MAX];
	/* the connection, from CONNECT on */
	struct inject_facts facts;
	bool is_connected;
	bool is_trusted;   /* mynetworks, login, or from this host */
	bool is_allowed;   /* a list speaks for the client */
	int64_t connected; /* io_now() of CONNECT */
	char client[256];  /* confirmed name, "unknown", "" not looked up */
	/* the transaction, from MAIL on; slices live until the next MAIL */
	struct buf envelope;
	struct slice helo, sender, login;
	uint64_t size;
	bool is_esmtp;
	size_t recipients; /* that passed */
	char id[16];       /* from DATA on */
	/* where changes go */
	verify_change_fn *change;
	void *context;
};

void verify_init(struct verify *verify, const struct settings *settings);
/* Opens the modules that the settings want. */
void verify_open(struct verify *verify);
void verify_close(struct verify *verify);
/* One question. True when reply is to be sent. */
bool verify_answer(struct verify *verify,
    const struct verify_question *question, struct verify_reply *reply);

/* For modules: fill a reply; text is made printable. */
void
verify_refuse(struct verify_reply *reply, unsigned int code, const char *status,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
void verify_hold(struct verify_reply *reply, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A field in front of the message; at MAIL, RCPT or DATA. */
bool
verify_put_field(struct verify *verify, struct slice name, struct slice value);

#endif
