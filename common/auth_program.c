/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>
#include <sysexits.h>

#include "common/auth_dialogue.h"
#include "common/io.h"
#include "common/jail.h"
#include "common/log.h"
#include "common/pipemsg.h"
#include "common/programs.h"

/* Descriptors after the three of the contract: the helper's, users,
 * app-passwords, client-certs, passwd, shadow, failures. */
#define AUTH_DESCRIPTORS (AUTH_FACTS + 9)

static bool
receive_facts(struct auth_facts *facts, struct why *why)
{
	enum io_status status = io_read_all(
	    AUTH_FACTS, facts, sizeof(*facts), io_deadline(TIMEOUT_PIPE));

	if (status != IO_OK)
		return why_set(why, "facts: %s", io_status_text(status));
	if (facts->magic != AUTH_FACTS_MAGIC ||
	    memchr(facts->id, '\0', sizeof(facts->id)) == NULL ||
	    facts->tls.exporter_len > sizeof(facts->tls.exporter) ||
	    facts->tls.end_point_len > sizeof(facts->tls.end_point) ||
	    memchr(facts->tls.client_address, '\0',
		sizeof(facts->tls.client_address)) == NULL)
		return why_set(why, "malformed facts");
	return true;
}

int
auth_program(const struct settings *settings, int argc, char *const argv[])
{
	struct jail_request request = { .keep_count = AUTH_DESCRIPTORS };
	struct auth_verdict verdict = { .magic = AUTH_VERDICT_MAGIC,
		.answer = AUTH_ANSWER_LATER };
	struct auth_helper helper;
	struct auth_failures failures;
	struct auth_files files;
	struct auth_facts facts;
	struct why why = { 0 };

	(void)argv;
	if (argc != 1)
		return EX_USAGE;
	/* The helper first: it has nothing of what is opened after it. */
	if (!receive_facts(&facts, &why) ||
	    !auth_helper_start(settings, &facts.peer, &helper, &why) ||
	    !auth_files_open(settings, &files, &why)) {
		log_error("%s", why.text);
		return EX_TEMPFAIL;
	}
	files.helper = helper;
	if (!auth_failures_open(settings, &failures, &why))
		log_warning("failures are not counted: %s", why.text);
	if (!jail_enter(jail_find("auth"), settings, &request, &why)) {
		log_error("%s: %s", facts.id, why.text);
		return EX_TEMPFAIL;
	}
	auth_dialogue_run(&files, &failures, &facts, &verdict);
	auth_files_close(&files);
	auth_failures_close(&failures);
	return io_write_all(AUTH_VERDICT, slice_make(&verdict, sizeof(verdict)),
		   io_deadline(TIMEOUT_AUTH)) == IO_OK
		   ? EX_OK
		   : EX_TEMPFAIL;
}
