/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/app_passwords.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"

static const struct {
	struct slice name;
	enum auth_service service;
} app_services[] = {
	{ SLICE("smtp"), AUTH_SERVICE_SMTP },
	{ SLICE("imap"), AUTH_SERVICE_IMAP },
	{ SLICE("pop3"), AUTH_SERVICE_POP3 },
	{ SLICE("all"), AUTH_SERVICE_ALL },
};

#define APP_SERVICES (sizeof(app_services) / sizeof(app_services[0]))

bool
app_services_parse(struct slice text, unsigned int *services)
{
	struct slice name;
	bool is_known;

	*services = 0;
	while (slice_token(&text, S(","), &name)) {
		is_known = false;
		for (size_t i = 0; i < APP_SERVICES; i++) {
			if (!slice_eq_nocase(name, app_services[i].name))
				continue;
			*services |= app_services[i].service;
			is_known = true;
		}
		if (!is_known)
			return false;
	}
	return *services != 0;
}

const char *
app_services_format(unsigned int services, char text[32])
{
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i + 1 < APP_SERVICES; i++)
		if ((services & app_services[i].service) != 0)
			n += (size_t)snprintf(text + n, 32 - n, "%s%s",
			    n > 0 ? "," : "", app_services[i].name.ptr);
	return text;
}

bool
app_label_is_good(struct slice label)
{
	static const struct slice others = SLICE("-_.");

	for (size_t i = 0; i < label.len; i++)
		if (!ascii_is_alpha(label.ptr[i]) &&
		    !ascii_is_digit(label.ptr[i]) &&
		    slice_index(others, label.ptr[i]) == others.len)
			return false;
	return label.len > 0 && label.len <= LIMIT_APP_LABEL;
}

static bool
parse_line(struct slice line, struct app_password *out)
{
	static const struct slice blanks = SLICE(" \t");
	struct slice services, rest;

	return slice_token(&line, blanks, &out->user) &&
	       slice_token(&line, blanks, &out->label) &&
	       slice_token(&line, blanks, &services) &&
	       slice_token(&line, blanks, &out->hash) &&
	       !slice_token(&line, blanks, &rest) &&
	       out->user.len <= LIMIT_USER_NAME &&
	       app_label_is_good(out->label) &&
	       app_services_parse(services, &out->services);
}

bool
app_password_next(struct slice *rest, struct app_password *out, size_t *bad)
{
	struct slice line;

	while (rest->len > 0) {
		slice_cut(*rest, '\n', &line, rest);
		line = slice_trim(line);
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if (parse_line(line, out))
			return true;
		if (bad != NULL)
			(*bad)++;
	}
	return false;
}
