/* SPDX-License-Identifier: ISC */
/*
 * auth-pam SERVICE: ask PAM, with the checkpassword interface. Descriptor 3
 * has name, password and a time, each with a NUL; the exit code is 0 for yes,
 * 1 for no, 111 for later. Started by auth's helper as root, which PAM's
 * modules for shadow(5) need. TCPREMOTEIP is the client's address.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <security/pam_appl.h>

#define SECRET_FD  3
#define INPUT_SIZE 4096

enum {
	CODE_YES = 0,
	CODE_NO = 1,
	CODE_LATER = 111
};

/* Every question is answered with the password: there is nobody to ask. */
static int
answer(int count, const struct pam_message **messages,
    struct pam_response **responses, void *password)
{
	struct pam_response *list;

	if (count <= 0 || count > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	list = calloc((size_t)count, sizeof(*list));
	if (list == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < count; i++)
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
			list[i].resp = strdup(password);
	*responses = list;
	return PAM_SUCCESS;
}

/* What PAM calls trouble of its own is no wrong password. */
static int
code_of(int status)
{
	switch (status) {
	case PAM_SUCCESS:
		return CODE_YES;
	case PAM_AUTHINFO_UNAVAIL:
	case PAM_BUF_ERR:
	case PAM_SYSTEM_ERR:
	case PAM_SERVICE_ERR:
	case PAM_ABORT:
		return CODE_LATER;
	default:
		return CODE_NO;
	}
}

static int
ask(const char *service, const char *user, char *password)
{
	const struct pam_conv conversation = { answer, password };
	const char *address = getenv("TCPREMOTEIP");
	pam_handle_t *pam = NULL;
	int status = pam_start(service, user, &conversation, &pam);

	if (status != PAM_SUCCESS)
		return CODE_LATER;
	if (address != NULL)
		(void)pam_set_item(pam, PAM_RHOST, address);
	(void)pam_set_item(pam, PAM_TTY, "merpati");
	status = pam_authenticate(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (status == PAM_SUCCESS)
		status = pam_acct_mgmt(pam, PAM_SILENT);
	pam_end(pam, status);
	return code_of(status);
}

int
main(int argc, char *argv[])
{
	char input[INPUT_SIZE];
	char *password = NULL;
	size_t len = 0;
	ssize_t n;
	int code = CODE_LATER;

	while (len < sizeof(input) &&
	       (n = read(SECRET_FD, input + len, sizeof(input) - len)) > 0)
		len += (size_t)n;
	/* Three NULs: what stands before them is terminated. */
	if (argc == 2 && len > 0 && input[len - 1] == '\0')
		password = memchr(input, '\0', len - 1);
	if (password != NULL && input[0] != '\0')
		code = ask(argv[1], input, password + 1);
	explicit_bzero(input, sizeof(input));
	return code;
}
