/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/settings_table.h"

#include <string.h>

#define FIELD(name)      offsetof(struct settings, name)
#define CONFIG_DIRECTORY SYSCONFDIR "/merpati"

/* clang-format off */
const struct settings_row settings_table[] = {
	{ "hostname", SETTING_STRING, FIELD(hostname), "", NULL,
	    "Full name of this host, used in greetings, Received: and ids",
	    "Postfix myhostname, OpenSMTPD hostname" },
	{ "domains", SETTING_LIST, FIELD(domains), "", NULL,
	    "Domains whose mail is delivered here; none: local mail only",
	    "Postfix mydestination and virtual_mailbox_domains" },
	{ "origin", SETTING_STRING, FIELD(origin), "", NULL,
	    "Domain added to addresses that have none; default: the first of "
	    "domains, /etc/mailname, hostname",
	    "Postfix myorigin" },
	{ "lab", SETTING_BOOLEAN, FIELD(is_lab), "no", NULL,
	    "This is a classroom host without the internet (mailctl init "
	    "--lab)",
	    "" },
	{ "internet", SETTING_CHOICE, FIELD(internet), "yes",
	    "yes smarthost no",
	    "Send to other hosts by MX (yes), through relayhost only "
	    "(smarthost), or only where route_map says so (no)",
	    "Debian's mail type" },
	{ "mynetworks", SETTING_NETWORKS, FIELD(mynetworks), "loopback", NULL,
	    "Networks whose clients may send to anywhere without login",
	    "Postfix mynetworks" },
	{ "mynetworks_public", SETTING_BOOLEAN, FIELD(mynetworks_public), "no",
	    NULL,
	    "Allow public networks, no wider than /24 or /48, in mynetworks",
	    "" },
	{ "cleartext_auth", SETTING_NETWORKS, FIELD(cleartext_auth), "loopback",
	    NULL, "Networks whose clients may log in without TLS",
	    "Dovecot auth_allow_cleartext" },
	{ "relayhost", SETTING_STRING, FIELD(relayhost), "", NULL,
	    "Smarthost for everything that is not local, host:port or "
	    "[address]:port",
	    "Postfix relayhost" },
	{ "relay_map", SETTING_PATH, FIELD(relay_map),
	    CONFIG_DIRECTORY "/relay.map", NULL,
	    "Table: relay host to user:password for logging in there",
	    "Postfix smtp_sasl_password_maps" },
	{ "route_map", SETTING_PATH, FIELD(route_map),
	    CONFIG_DIRECTORY "/route.map", NULL,
	    "Table: domain to the host:port that takes its mail",
	    "Postfix transport_maps" },
	{ "tls_security_level", SETTING_CHOICE, FIELD(tls_security_level),
	    "may", "none may encrypt",
	    "TLS when sending: never, when offered, or always",
	    "Postfix smtp_tls_security_level" },
	{ "smtp_port", SETTING_NUMBER, FIELD(smtp_port), "25", NULL,
	    "Port of other hosts' MX", "" },
	{ "smtp_ipv6", SETTING_BOOLEAN, FIELD(smtp_ipv6), "yes", NULL,
	    "Send over IPv6", "Postfix inet_protocols" },
	{ "smtp_ipv4", SETTING_BOOLEAN, FIELD(smtp_ipv4), "yes", NULL,
	    "Send over IPv4", "Postfix inet_protocols" },
	{ "aliases", SETTING_PATH, FIELD(aliases), "/etc/aliases", NULL,
	    "Classic aliases file of this host", "Postfix alias_maps" },
	{ "virtual_aliases", SETTING_PATH, FIELD(virtual_aliases),
	    CONFIG_DIRECTORY "/aliases", NULL,
	    "Aliases with full addresses or @domain on the left",
	    "Postfix virtual_alias_maps" },
	{ "users", SETTING_PATH, FIELD(users), CONFIG_DIRECTORY "/users", NULL,
	    "File of virtual users and their password hashes",
	    "Dovecot passwd-file" },
	{ "system_users", SETTING_BOOLEAN, FIELD(system_users), "yes", NULL,
	    "Accounts of the system have a mailbox",
	    "Postfix local_recipient_maps" },
	{ "minimum_uid", SETTING_NUMBER, FIELD(minimum_uid), "1000", NULL,
	    "Accounts below this uid have no mailbox",
	    "Dovecot first_valid_uid" },
	{ "virtual_user", SETTING_STRING, FIELD(virtual_user), "_mpmail", NULL,
	    "Account that owns the mail of virtual users",
	    "Postfix virtual_uid_maps" },
	{ "virtual_home", SETTING_PATH, FIELD(virtual_home),
	    LOCALSTATEDIR "/mail/merpati", NULL,
	    "Directory of virtual users' homes: DOMAIN/LOCAL",
	    "Postfix virtual_mailbox_base" },
	{ "home_mailbox", SETTING_STRING, FIELD(home_mailbox), "Maildir/", NULL,
	    "Mailbox below the home (final slash: Maildir, else mbox), or a "
	    "spool directory such as /var/mail/ with one mbox a user",
	    "Postfix home_mailbox, Dovecot mail_path" },
	{ "recipient_delimiter", SETTING_STRING, FIELD(recipient_delimiter),
	    "+", NULL, "What separates user and tag; empty: no tags",
	    "Postfix recipient_delimiter" },
	{ "catch_all", SETTING_STRING, FIELD(catch_all), "", NULL,
	    "Address that gets the mail of unknown local users",
	    "Postfix luser_relay" },
	{ "message_size_limit", SETTING_SIZE, FIELD(message_size_limit), "50M",
	    NULL, "Largest message in SMTP, submission and IMAP APPEND",
	    "Postfix message_size_limit" },
	{ "max_recipients", SETTING_NUMBER, FIELD(max_recipients), "1000", NULL,
	    "Most recipients of one message", "Postfix smtpd_recipient_limit" },
	{ "queue_minimum_free", SETTING_SIZE, FIELD(queue_minimum_free), "0",
	    NULL,
	    "Free space under which new mail is put off; 0: three times "
	    "message_size_limit",
	    "Postfix queue_minfree" },
	{ "maximal_queue_lifetime", SETTING_TIME, FIELD(maximal_queue_lifetime),
	    "5d", NULL, "How long a message is tried before it is returned",
	    "Postfix maximal_queue_lifetime" },
	{ "bounce_queue_lifetime", SETTING_TIME, FIELD(bounce_queue_lifetime),
	    "1d", NULL, "The same for bounces",
	    "Postfix bounce_queue_lifetime" },
	{ "delay_warning_time", SETTING_TIME, FIELD(delay_warning_time), "4h",
	    NULL, "When the sender is told of a delay; 0: never",
	    "Postfix delay_warning_time" },
	{ "minimal_backoff_time", SETTING_TIME, FIELD(minimal_backoff_time),
	    "300s", NULL, "Shortest time between two attempts",
	    "Postfix minimal_backoff_time" },
	{ "maximal_backoff_time", SETTING_TIME, FIELD(maximal_backoff_time),
	    "4000s", NULL, "Longest time between two attempts",
	    "Postfix maximal_backoff_time" },
	{ "destination_concurrency", SETTING_NUMBER,
	    FIELD(destination_concurrency), "20", NULL,
	    "Most connections at once to one destination",
	    "Postfix default_destination_concurrency_limit" },
	{ "delivery_processes", SETTING_NUMBER, FIELD(delivery_processes), "20",
	    NULL, "Most local deliveries at once",
	    "Postfix default_process_limit" },
	{ "relay_processes", SETTING_NUMBER, FIELD(relay_processes), "100",
	    NULL, "Most connections to other hosts at once",
	    "Postfix default_process_limit" },
	{ "tls_cert_file", SETTING_STRING, FIELD(tls_cert_file), "", NULL,
	    "Certificate chain, PEM; empty: Let's Encrypt's for hostname, else "
	    "a self-signed one is made",
	    "Postfix smtpd_tls_cert_file, Dovecot ssl_server_cert_file" },
	{ "tls_key_file", SETTING_STRING, FIELD(tls_key_file), "", NULL,
	    "Private key of tls_cert_file",
	    "Postfix smtpd_tls_key_file, Dovecot ssl_server_key_file" },
	{ "tls_min_version", SETTING_CHOICE, FIELD(tls_min_version), "TLSv1.2",
	    "TLSv1.2 TLSv1.3", "Oldest TLS version that is spoken",
	    "Postfix smtpd_tls_protocols, Dovecot ssl_min_protocol" },
	{ "special_folders", SETTING_WORDS, FIELD(special_folders),
	    "Drafts Sent Junk Trash Archive", NULL,
	    "Folders shown with their special use (RFC 6154)",
	    "Dovecot mailbox { special_use }" },
	{ "listen", SETTING_LIST, FIELD(listen),
	    "smtp:25 submission:587 submissions:465 pop3:110 pop3s:995 "
	    "imap:143 imaps:993",
	    NULL,
	    "What merpatid listens on: service:port or service:address:port",
	    "Postfix inet_interfaces, master.cf" },
	{ "max_connections", SETTING_NUMBER, FIELD(max_connections), "512",
	    NULL, "Most connections at once, all services of merpatid together",
	    "Postfix default_process_limit" },
	{ "rate_client", SETTING_NUMBER, FIELD(rate_client), "20", NULL,
	    "Most connections at once from one address",
	    "Postfix smtpd_client_connection_count_limit" },
	{ "queue_directory", SETTING_PATH, FIELD(queue_directory),
	    LOCALSTATEDIR "/spool/merpati", NULL, "The spool",
	    "Postfix queue_directory" },
	{ "state_directory", SETTING_PATH, FIELD(state_directory),
	    LOCALSTATEDIR "/lib/merpati", NULL,
	    "Caches and certificates made here", "Postfix data_directory" },
	{ "program_directory", SETTING_PATH, FIELD(program_directory),
	    MERPATI_LIBEXECDIR, NULL, "Where the programs are",
	    "Postfix daemon_directory" },
	{ "empty_directory", SETTING_PATH, FIELD(empty_directory),
	    LOCALSTATEDIR "/lib/merpati/empty", NULL,
	    "Empty directory that jailed processes have as their root", "" },
	{ "log_file", SETTING_STRING, FIELD(log_file), "", NULL,
	    "Log to this file; empty: syslog; -: standard error",
	    "Postfix maillog_file, Dovecot log_path" },
	{ "log_level", SETTING_CHOICE, FIELD(log_level), "info",
	    "error warning info debug", "What is logged", "" },
	{ "notify", SETTING_STRING, FIELD(notify), "postmaster", NULL,
	    "Who gets mail that can be neither delivered nor returned",
	    "Postfix 2bounce_notice_recipient" },
	{ "strict_sync", SETTING_BOOLEAN, FIELD(strict_sync), "yes", NULL,
	    "Sync the directory as well before a message is accepted", "" },
	{ NULL, SETTING_STRING, 0, NULL, NULL, NULL, NULL },
};
/* clang-format on */

const struct settings_row *
settings_find_row(struct slice name)
{
	const struct settings_row *row;

	for (row = settings_table; row->name != NULL; row++)
		if (slice_eq(slice_of(row->name), name))
			return row;
	return NULL;
}

/* Levenshtein's distance, for names of at most 63 bytes. */
static size_t
name_distance(struct slice a, struct slice b)
{
	size_t line[64], diagonal, above, best;

	b = slice_first(b, 63);
	for (size_t j = 0; j <= b.len; j++)
		line[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		diagonal = line[0];
		line[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			above = line[j];
			best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
			if (above + 1 < best)
				best = above + 1;
			if (line[j - 1] + 1 < best)
				best = line[j - 1] + 1;
			line[j] = best;
			diagonal = above;
		}
	}
	return line[b.len];
}

const struct settings_row *
settings_nearest_row(struct slice name)
{
	const struct settings_row *row, *nearest = settings_table;
	size_t distance, best = SIZE_MAX;

	name = slice_first(name, 63);
	for (row = settings_table; row->name != NULL; row++) {
		distance = name_distance(name, slice_of(row->name));
		if (distance < best) {
			best = distance;
			nearest = row;
		}
	}
	return nearest;
}
