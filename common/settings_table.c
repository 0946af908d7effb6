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
	{ "proxy_networks", SETTING_NETWORKS, FIELD(proxy_networks), "", NULL,
	    "Proxies (HAProxy, nginx), all of whose connections begin with a "
	    "PROXY header that names the client",
	    "Postfix smtpd_upstream_proxy_protocol, Dovecot "
	    "haproxy_trusted_networks" },
	{ "xclient_hosts", SETTING_NETWORKS, FIELD(xclient_hosts), "", NULL,
	    "Hosts that may speak for other clients by XCLIENT, logins and "
	    "all",
	    "Postfix smtpd_authorized_xclient_hosts" },
	{ "xforward_hosts", SETTING_NETWORKS, FIELD(xforward_hosts), "", NULL,
	    "Hosts (content filters) that may say by XFORWARD whom to log as "
	    "the client",
	    "Postfix smtpd_authorized_xforward_hosts" },
	{ "sender_check", SETTING_CHOICE, FIELD(sender_check), "own",
	    "own domain no",
	    "Sender and From: of who logged in: own addresses and what "
	    "senders grants, any of the same domain, or anything",
	    "Postfix reject_sender_login_mismatch" },
	{ "senders", SETTING_PATH, FIELD(senders), CONFIG_DIRECTORY "/senders",
	    NULL, "Table: address or @domain to the logins that may send as it",
	    "Postfix smtpd_sender_login_maps" },
	{ "hide_client", SETTING_BOOLEAN, FIELD(hide_client), "yes", NULL,
	    "Leave the address and HELO of who logged in out of Received:; "
	    "the log has them",
	    "Postfix smtpd_sasl_authenticated_header, header_checks" },
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
	{ "sender_route_map", SETTING_STRING, FIELD(sender_route_map), "",
	    NULL, "Table: sender or @domain to the host:port that takes its "
	    "mail to domains that route_map does not name",
	    "Postfix sender_dependent_relayhost_maps" },
	{ "relay_token_command", SETTING_STRING, FIELD(relay_token_command),
	    "", NULL,
	    "Program that prints a token for a login of relay_map without "
	    "password; its arguments are login and host",
	    "OAuth plug-ins of Cyrus SASL" },
	{ "lmtp_sockets", SETTING_WORDS, FIELD(lmtp_sockets), "", NULL,
	    "Sockets of this machine that lmtp:unix: may name", "" },
	{ "smtp_bind_address", SETTING_STRING, FIELD(smtp_bind_address), "",
	    NULL,
	    "Address that mail is sent from, one of each family: "
	    "ADDRESS[,ADDRESS]",
	    "Postfix smtp_bind_address, smtp_bind_address6" },
	{ "tls_security_level", SETTING_CHOICE, FIELD(tls_security_level),
	    "may", "none may encrypt verify dane dane-only",
	    "TLS when sending: never, when offered, always, always with a "
	    "certificate that is right, or as DNSSEC says of the host (RFC "
	    "7672), and for dane-only not without",
	    "Postfix smtp_tls_security_level" },
	{ "dns_trust", SETTING_CHOICE, FIELD(dns_trust), "loopback",
	    "loopback yes no",
	    "Whose word on DNSSEC counts: of name servers on this machine, of "
	    "all in resolv.conf, or nobody's",
	    "resolv.conf trust-ad" },
	{ "tls_policy_map", SETTING_PATH, FIELD(tls_policy_map),
	    CONFIG_DIRECTORY "/tls-policy", NULL,
	    "The same for a next hop, a domain or .domain, or *: a line each, "
	    "\"a.example verify\"",
	    "Postfix smtp_tls_policy_maps" },
	{ "smtp_tls_cert_file", SETTING_STRING, FIELD(smtp_tls_cert_file), "",
	    NULL,
	    "Certificate and chain that other hosts are shown when they ask, "
	    "readable by _mprelay; none when empty",
	    "Postfix smtp_tls_cert_file" },
	{ "smtp_tls_key_file", SETTING_STRING, FIELD(smtp_tls_key_file), "",
	    NULL, "Its key; in the same file when empty",
	    "Postfix smtp_tls_key_file" },
	{ "tls_ca_file", SETTING_STRING, FIELD(tls_ca_file), "", NULL,
	    "Certificates that other hosts' are verified by; the system's "
	    "when empty",
	    "Postfix smtp_tls_CAfile" },
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
	{ "maximal_hold_time", SETTING_TIME, FIELD(maximal_hold_time), "60d",
	    NULL,
	    "How far ahead a submitted message may be put off (FUTURERELEASE); "
	    "0: not at all",
	    "" },
	{ "journal_life", SETTING_TIME, FIELD(journal_life), "7d", NULL,
	    "How long mailq trace knows what happened to a message; 0: not "
	    "at all",
	    "" },
	{ "remote_answers", SETTING_PATH, FIELD(remote_answers),
	    CONFIG_DIRECTORY "/answers", NULL,
	    "What answers of other hosts mean (merpati-answers(5)); without "
	    "this file the rules that come with Merpati hold",
	    "" },
	{ "bounce_texts", SETTING_PATH, FIELD(bounce_texts),
	    CONFIG_DIRECTORY "/bounces", NULL,
	    "Texts of notices to senders (merpati-bounces(5)) instead of those "
	    "that come with Merpati",
	    "Postfix bounce_template_file" },
	{ "bounce_languages", SETTING_LIST, FIELD(bounce_languages),
	    "en de es fr id nl", NULL,
	    "Languages of notices to senders: the one that the message asks "
	    "for (Accept-Language, Content-Language), else the first",
	    "" },
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
	{ "initial_destination_concurrency", SETTING_NUMBER,
	    FIELD(initial_destination_concurrency), "5", NULL,
	    "As many to begin with; more when jobs go well, fewer when "
	    "connections fail",
	    "Postfix initial_destination_concurrency" },
	{ "destination_rate", SETTING_STRING, FIELD(destination_rate), "", NULL,
	    "Most messages to one destination in a minute, hour or day, one "
	    "after the other: 20/m, 300/h",
	    "Postfix default_destination_rate_delay" },
	{ "destination_map", SETTING_PATH, FIELD(destination_map),
	    CONFIG_DIRECTORY "/destinations", NULL,
	    "These settings for a next hop, a domain or .domain, or *: a line "
	    "each, \"a.example destination_concurrency=2\"",
	    "Postfix transport_destination_concurrency_limit" },
	{ "relay_processes", SETTING_NUMBER, FIELD(relay_processes), "100",
	    NULL, "Most connections to other hosts at once",
	    "Postfix default_process_limit" },
	{ "filter_commands", SETTING_STRING, FIELD(filter_commands), "", NULL,
	    "Programs that read each message and pass, refuse or change it, "
	    "each ended by \";\"",
	    "Postfix content_filter" },
	{ "milters", SETTING_STRING, FIELD(milters), "", NULL,
	    "Mail filters asked about each message, unix:/path or "
	    "inet:host:port, each with its options",
	    "Postfix smtpd_milters, non_smtpd_milters" },
	{ "smtpd_filters", SETTING_STRING, FIELD(smtpd_filters), "", NULL,
	    "Programs of OpenSMTPD's filter protocol, each ended by \";\"",
	    "OpenSMTPD filter" },
	{ "access", SETTING_PATH, FIELD(access), CONFIG_DIRECTORY "/access",
	    NULL,
	    "Table: client:, helo:, sender: or recipient: pattern to OK, "
	    "REJECT, DEFER, HOLD or DISCARD",
	    "Postfix check_client_access and its like" },
	{ "reverse_dns", SETTING_CHOICE, FIELD(reverse_dns), "auto",
	    "auto yes no",
	    "Look up the confirmed name of clients: when verify runs anyway "
	    "(auto), always, or never",
	    "Postfix smtpd_peername_lookup" },
	{ "dns_servers", SETTING_WORDS, FIELD(dns_servers), "", NULL,
	    "Name servers, address or [address]:port, for verify; none: those "
	    "of /etc/resolv.conf",
	    "" },
	{ "dnsbl", SETTING_WORDS, FIELD(dnsbl), "", NULL,
	    "DNS lists of clients, zone=pattern*weight; a negative weight "
	    "allows",
	    "Postfix postscreen_dnsbl_sites" },
	{ "dnsbl_threshold", SETTING_NUMBER, FIELD(dnsbl_threshold), "1", NULL,
	    "Sum of weights from which a client is refused",
	    "Postfix postscreen_dnsbl_threshold" },
	{ "sender_domain_check", SETTING_BOOLEAN, FIELD(sender_domain_check),
	    "no", NULL,
	    "Refuse senders whose domain does not exist or takes no mail "
	    "(RFC 7505)",
	    "Postfix reject_unknown_sender_domain" },
	{ "greet_pause", SETTING_TIME, FIELD(greet_pause), "0", NULL,
	    "How long an unknown client on port 25 waits for the greeting; "
	    "one that does not is refused; 0: off",
	    "Postfix postscreen_greet_wait" },
	{ "greylist", SETTING_BOOLEAN, FIELD(greylist), "no", NULL,
	    "Put off the first mail of an unknown network (RFC 6647)",
	    "postgrey" },
	{ "greylist_delay", SETTING_TIME, FIELD(greylist_delay), "60s", NULL,
	    "How soon a client may try again", "postgrey --delay" },
	{ "greylist_window", SETTING_TIME, FIELD(greylist_window), "2d", NULL,
	    "How late it may try again", "postgrey --retry-window" },
	{ "greylist_lifetime", SETTING_TIME, FIELD(greylist_lifetime), "36d",
	    NULL, "How long a pass is remembered after its last use",
	    "postgrey --max-age" },
	{ "greylist_passes", SETTING_NUMBER, FIELD(greylist_passes), "5", NULL,
	    "A network that passed so often is not asked again; 0: never",
	    "postgrey --auto-whitelist-clients" },
	{ "rate_connections", SETTING_NUMBER, FIELD(rate_connections), "0",
	    NULL,
	    "Most connections a minute from one network (/24, /64) on port "
	    "25; 0: no limit",
	    "Postfix smtpd_client_connection_rate_limit" },
	{ "rate_messages", SETTING_NUMBER, FIELD(rate_messages), "0", NULL,
	    "Most messages a minute from one network (/24, /64) on port 25; "
	    "0: no limit",
	    "Postfix smtpd_client_message_rate_limit" },
	{ "rate_user", SETTING_WORDS, FIELD(rate_user), "", NULL,
	    "Most recipients of one user, as 300/h 1000/d; what is over is "
	    "held",
	    "policyd" },
	{ "max_unknown_recipients", SETTING_NUMBER,
	    FIELD(max_unknown_recipients), "10", NULL,
	    "Unknown recipients before a connection is ended; 0: no limit",
	    "Postfix smtpd_hard_error_limit" },
	{ "policy_servers", SETTING_WORDS, FIELD(policy_servers), "", NULL,
	    "Servers of Postfix's policy protocol, inet:host:port or "
	    "unix:/path, asked in order at each RCPT",
	    "Postfix check_policy_service" },
	{ "policy_timeout", SETTING_TIME, FIELD(policy_timeout), "30s", NULL,
	    "How long a policy server may take",
	    "Postfix smtpd_policy_service_timeout" },
	{ "policy_failure", SETTING_CHOICE, FIELD(policy_failure), "defer",
	    "defer accept",
	    "What a policy server that does not answer means",
	    "Postfix smtpd_policy_service_default_action" },
	{ "verify_required", SETTING_BOOLEAN, FIELD(verify_required), "no",
	    NULL,
	    "Put mail off when verify itself fails, instead of going on "
	    "without it",
	    "" },
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
	{ "auth_mechanisms", SETTING_LIST, FIELD(auth_mechanisms), "", NULL,
	    "SASL mechanisms offered; none: all that can work here",
	    "Dovecot auth_mechanisms, Postfix smtpd_sasl_mechanism_filter" },
	{ "password_scheme", SETTING_CHOICE, FIELD(password_scheme), "scram",
	    "scram crypt",
	    "Hashes that mailctl makes: for SCRAM and PLAIN, or of crypt(3), "
	    "which cost an attacker more but serve PLAIN and LOGIN alone",
	    "Dovecot passdb_default_password_scheme" },
	{ "app_passwords", SETTING_PATH, FIELD(app_passwords),
	    CONFIG_DIRECTORY "/app-passwords", NULL,
	    "File of further passwords, each for one program of a user", "" },
	{ "auth_pam", SETTING_STRING, FIELD(auth_pam), "", NULL,
	    "PAM service that checks the passwords of accounts of the system",
	    "Dovecot passdb pam" },
	{ "checkpassword", SETTING_STRING, FIELD(checkpassword), "", NULL,
	    "Program with the checkpassword interface, for users whose "
	    "password is not known here",
	    "qmail-popup, Dovecot passdb checkpassword" },
	{ "oauth_command", SETTING_STRING, FIELD(oauth_command), "", NULL,
	    "Program that verifies the tokens of OAUTHBEARER and XOAUTH2",
	    "Dovecot passdb oauth2" },
	{ "auth_failures_account", SETTING_NUMBER, FIELD(auth_failures_account),
	    "20", NULL,
	    "Failed logins of one account within auth_failure_period; then "
	    "its passwords are not checked any more; 0: no limit",
	    "" },
	{ "auth_failures_network", SETTING_NUMBER, FIELD(auth_failures_network),
	    "50", NULL,
	    "The same for one IPv4 address or IPv6 /64",
	    "Dovecot auth_failure_delay, fail2ban maxretry" },
	{ "auth_failure_period", SETTING_TIME, FIELD(auth_failure_period), "1h",
	    NULL, "Time in which a whole budget of failures is forgotten",
	    "fail2ban findtime" },
	{ "auth_success_memory", SETTING_TIME, FIELD(auth_success_memory), "7d",
	    NULL,
	    "How long after a login its network is not locked out",
	    "" },
	{ "tls_client_ca_file", SETTING_STRING, FIELD(tls_client_ca_file), "",
	    NULL,
	    "Authorities of client certificates (PEM); empty: clients are not "
	    "asked for any",
	    "Postfix smtpd_tls_CAfile, Dovecot ssl_server_ca_file" },
	{ "client_certs", SETTING_PATH, FIELD(client_certs),
	    CONFIG_DIRECTORY "/client-certs", NULL,
	    "Table: SHA-256 fingerprint of a client certificate to the user "
	    "whom it logs in",
	    "Postfix relay_clientcerts" },
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
	{ "command_timeout", SETTING_TIME, FIELD(command_timeout), "300s", NULL,
	    "How long an SMTP client may take for one command",
	    "Postfix smtpd_timeout" },
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
