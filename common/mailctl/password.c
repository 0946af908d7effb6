/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailctl/password.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#define MADE_LETTERS 16

bool
password_make(char password[PASSWORD_SIZE], struct why *why)
{
	/* 32 of them, so that each byte's low bits choose evenly. */
	static const char letters[] = "abcdefghjkmnpqrstuvwxyz123456789";
	unsigned char random[MADE_LETTERS];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return why_errno(why, "getrandom");
	for (size_t i = 0; i < sizeof(random); i++)
		password[i] = letters[random[i] & 31];
	password[MADE_LETTERS] = '\0';
	return true;
}

bool
password_read(char password[PASSWORD_SIZE], struct why *why)
{
	size_t length;

	if (fgets(password, PASSWORD_SIZE, stdin) == NULL)
		return why_set(why, "no password on standard input");
	length = strcspn(password, "\r\n");
	if (password[length] == '\0' && length == PASSWORD_SIZE - 1)
		return why_set(why, "the password is too long");
	password[length] = '\0';
	return true;
}

static bool
ask(const char *prompt, char password[PASSWORD_SIZE], struct why *why)
{
	struct termios old, quiet;
	bool ok;

	if (tcgetattr(STDIN_FILENO, &old) < 0)
		return why_errno(why, "terminal");
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	fputs(prompt, stderr);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	ok = password_read(password, why);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	fputc('\n', stderr);
	return ok;
}

bool
password_obtain(char password[PASSWORD_SIZE], bool from_stdin, bool *is_made,
    struct why *why)
{
	char again[PASSWORD_SIZE];
	bool equal;

	*is_made = false;
	if (from_stdin) {
		if (!password_read(password, why))
			return false;
		return password[0] != '\0' ||
		       why_set(why, "the password is empty");
	}
	if (isatty(STDIN_FILENO)) {
		if (!ask("password (empty = make one): ", password, why))
			return false;
		if (password[0] != '\0') {
			if (!ask("again: ", again, why))
				return false;
			equal = strcmp(password, again) == 0;
			explicit_bzero(again, sizeof(again));
			return equal ||
			       why_set(why, "the two are not the same");
		}
	}
	*is_made = true;
	return password_make(password, why);
}
