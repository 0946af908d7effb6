/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailctl/init.h"

/* Setting and its place below the private directory. */
static const struct {
	const char *name;
	const char *place;
} places[] = {
	{ "queue_directory", "spool" },
	{ "state_directory", "state" },
	{ "empty_directory", "state/empty" },
	{ "users", "users" },
	{ "aliases", "aliases" },
	{ "virtual_aliases", "valiases" },
	{ "route_map", "route.map" },
	{ "relay_map", "relay.map" },
	{ "virtual_home", "homes" },
	{ "log_file", "log" },
};

void
init_format_conf(const struct init_facts *facts, struct buf *out)
{
	buf_add_format(out, "hostname = %s\n", facts->hostname);
	buf_add_format(out, "domains = %s\n", facts->domain);
	if (facts->is_lab) {
		buf_add_format(out, "cleartext_auth = loopback%s%s\n",
		    facts->networks[0] == '\0' ? "" : " ", facts->networks);
		if (facts->has_dns)
			buf_add_string(out, "lab = yes\n");
		else
			buf_add_string(out, "internet = no\n");
	}
	if (facts->directory == NULL)
		return;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		buf_add_format(out, "%s = %s/%s\n", places[i].name,
		    facts->directory, places[i].place);
	if (facts->user != NULL)
		buf_add_format(out, "virtual_user = %s\n", facts->user);
	if (!facts->has_low_ports)
		buf_add_string(out,
		    "listen = smtp:2525 submission:2587 submissions:2465\n"
		    "    pop3:2110 pop3s:2995 imap:2143 imaps:2993\n");
}

void
init_format_aliases(const char *human, struct buf *out)
{
	buf_add_string(out,
	    "# aliases(5). RFC 2142 wants postmaster and abuse to be read.\n"
	    "mailer-daemon: postmaster\n"
	    "abuse: postmaster\n"
	    "postmaster: root\n");
	if (human[0] != '\0')
		buf_add_format(out, "root: %s\n", human);
	else
		buf_add_string(out, "# root: who reads the mail of root\n");
}
