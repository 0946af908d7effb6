/* SPDX-License-Identifier: ISC */
/*
 * settings - mail.conf(5): "name = value" text into one struct.
 *
 * One table of rows (settings_table.c) drives the parser, the defaults,
 * "mailctl config show|explain|check" and the man page. Unknown names are
 * errors with the nearest name; all errors are reported at once, each as
 * "file:line: text". A missing file gives the defaults: local mail only.
 * "#" starts a comment at the start of a line, an indented line continues
 * the one before, "include = PATH" reads another file, "$hostname" and
 * "$domain" are replaced, lists are split by blanks or commas.
 * "smtpd.name = value" overrides name for one program.
 *
 * The struct and everything it points to lives until settings_free and is
 * never changed: programs get it as const.
 */
#ifndef COMMON_SETTINGS_H
#define COMMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/netaddr.h"
#include "common/slice.h"

struct string_list {
	size_t count;
	char **items;
};

struct network_list {
	size_t count;
	struct network *items;
};

enum internet { INTERNET_YES, INTERNET_SMARTHOST, INTERNET_NO };
enum sender_check { SENDER_CHECK_OWN, SENDER_CHECK_DOMAIN, SENDER_CHECK_NO };
enum reverse_dns { REVERSE_DNS_AUTO, REVERSE_DNS_YES, REVERSE_DNS_NO };
enum dns_trust { DNS_TRUST_LOOPBACK, DNS_TRUST_YES, DNS_TRUST_NO };
enum policy_failure { POLICY_FAILURE_DEFER, POLICY_FAILURE_ACCEPT };
/* In the order of what they ask of a host. VERIFY: chain and name, too. */
enum tls_level {
	TLS_LEVEL_NONE,
	TLS_LEVEL_MAY,
	TLS_LEVEL_ENCRYPT,
	TLS_LEVEL_VERIFY,
	TLS_LEVEL_DANE,
	TLS_LEVEL_DANE_ONLY
};

struct account_cache;

struct settings {
	char *path;                     /* the file read, "" for none */
	/* identity */
	char *hostname;                 /* default: the system's full name */
	struct string_list domains;     /* local mail domains; lower case */
	char *origin;                   /* first domain, mailname, hostname */
	bool is_lab;                    /* lab = yes: written by init --lab */
	/* who may do what */
	uint64_t internet;              /* enum internet */
	struct network_list mynetworks; /* may relay; default loopback */
	bool mynetworks_public;         /* allow public networks in it */
	struct network_list cleartext_auth; /* default loopback */
	struct network_list proxy_networks; /* they speak PROXY; none */
	struct network_list xclient_hosts, xforward_hosts; /* none */
	uint64_t sender_check;          /* enum sender_check */
	char *senders;                  /* file: address login, login */
	bool hide_client;               /* of who logged in; yes */
	/* relaying */
	char *relayhost;                /* "host:port", "[1.2.3.4]:25" or "" */
	char *relay_map;                /* file: destination user:password */
	char *route_map;                /* file: domain host:port */
	char *sender_route_map;         /* file: address host:port, or "" */
	char *relay_token_command;      /* program, or "" */
	struct string_list lmtp_sockets; /* that relay may connect to */
	char *smtp_bind_address;        /* "ADDRESS[,ADDRESS]" or "" */
	uint64_t tls_security_level;    /* enum tls_level, outgoing */
	int dns_trust;                  /* enum dns_trust */
	char *tls_policy_map;           /* $sysconfdir/merpati/tls-policy */
	char *smtp_tls_cert_file;       /* "": relay shows none */
	char *smtp_tls_key_file;        /* "": in the same file */
	char *tls_ca_file;              /* "": the system's */
	uint64_t smtp_port;             /* outgoing port to MX hosts: 25 */
	bool smtp_ipv6, smtp_ipv4;
	/* recipients */
	char *aliases;                  /* /etc/aliases */
	char *virtual_aliases;          /* $sysconfdir/merpati/aliases */
	char *users;                    /* $sysconfdir/merpati/users */
	bool system_users;              /* accounts of the system have mail */
	uint64_t minimum_uid;           /* 1000 */
	char *virtual_user;             /* account owning virtual mail homes */
	char *virtual_home;             /* directory: DOMAIN/LOCAL below it */
	char *home_mailbox;             /* "Maildir/", "mbox" or "/var/mail/" */
	char *recipient_delimiter;      /* "+" */
	char *catch_all;                /* address for unknown users, or "" */
	/* sizes and times (bytes, seconds) */
	uint64_t message_size_limit;    /* 50M */
	uint64_t max_recipients;        /* 1000 per message */
	uint64_t queue_minimum_free;    /* 0: 3 * message_size_limit */
	uint64_t maximal_queue_lifetime, bounce_queue_lifetime;
	uint64_t delay_warning_time;
	uint64_t maximal_hold_time;     /* 60d; HOLDFOR, HOLDUNTIL */
	uint64_t journal_life;          /* 7d; 0: none */
	char *remote_answers;           /* $sysconfdir/merpati/answers */
	char *bounce_texts;             /* $sysconfdir/merpati/bounces */
	struct string_list bounce_languages; /* the first: by default */
	char *destination_map;          /* $sysconfdir/merpati/destinations */
	char *destination_rate;         /* "100/h", "" none */
	uint64_t minimal_backoff_time, maximal_backoff_time;
	uint64_t destination_concurrency; /* relay processes per host: 20 */
	uint64_t initial_destination_concurrency; /* to begin with: 5 */
	uint64_t delivery_processes;    /* deliver processes in all: 20 */
	uint64_t relay_processes;       /* relay processes in all: 100 */
	/* content filters: filter_spec.h */
	char *filter_commands, *milters, *smtpd_filters;
	/* what verify is asked (verify.8) */
	char *access;                   /* file: client:... helo:... */
	uint64_t reverse_dns;           /* enum reverse_dns */
	struct string_list dns_servers; /* empty: /etc/resolv.conf */
	struct string_list dnsbl;       /* zone=pattern*weight */
	uint64_t dnsbl_threshold;
	bool sender_domain_check;
	uint64_t greet_pause;           /* seconds; 0 off */
	bool greylist;
	uint64_t greylist_delay, greylist_window, greylist_lifetime;
	uint64_t greylist_passes;       /* then the network is known */
	uint64_t rate_connections, rate_messages; /* a minute; 0 off */
	struct string_list rate_user;   /* "300/h" "1000/d" recipients */
	uint64_t max_unknown_recipients; /* then 421; 0 off */
	struct string_list policy_servers; /* "inet:host:port" "unix:/path" */
	uint64_t policy_timeout;
	uint64_t policy_failure;        /* enum policy_failure */
	bool verify_required;           /* 451 when verify fails */
	/* TLS */
	char *tls_cert_file, *tls_key_file; /* "": found by hostname or made */
	uint64_t tls_min_version;       /* 0: TLSv1.2, 1: TLSv1.3 */
	/* logins */
	struct string_list auth_mechanisms; /* none: all that can work */
	uint64_t password_scheme;       /* enum password_scheme (auth.h) */
	char *app_passwords;            /* $sysconfdir/merpati/app-passwords */
	char *auth_pam;                 /* PAM service, or "" */
	char *checkpassword, *oauth_command; /* programs, or "" */
	char *tls_client_ca_file;       /* "": no client certificates */
	char *client_certs;             /* table: SHA-256 fingerprint, user */
	uint64_t auth_failures_account, auth_failures_network; /* 0: no limit */
	uint64_t auth_failure_period, auth_success_memory;
	/* mailboxes */
	struct string_list special_folders; /* Drafts Sent Junk Trash Archive */
	/* super-server */
	struct string_list listen;      /* "smtp:25" "pop3s:[::1]:995"; default
	                                 * all seven services */
	uint64_t max_connections;       /* 512, all services together */
	uint64_t rate_client;           /* 20 connections per address at once */
	uint64_t command_timeout;       /* of one SMTP command: 300 */
	/* places */
	char *queue_directory;          /* $localstatedir/spool/merpati */
	char *state_directory;          /* $localstatedir/lib/merpati */
	char *program_directory;        /* $libexecdir/merpati */
	char *empty_directory;          /* chroot; $state_directory/empty */
	/* log */
	char *log_file;                 /* "": syslog; "-": stderr */
	uint64_t log_level;             /* enum log_level */
	char *notify;                   /* double bounces go here: postmaster */
	bool strict_sync;               /* sync the directory too; yes */
	struct account_cache *accounts; /* account.h; never NULL once loaded */
};

/* One complaint per entry, most to least early in the file. */
struct settings_errors {
	size_t count;
	char **texts;
};

/* path NULL: $MERPATI_CONF, else SYSCONFDIR/merpati/mail.conf. program is
 * for overrides ("smtpd"), NULL for none. Never NULL; errors->count tells
 * whether it may be used. */
struct settings *settings_load(const char *path, const char *program,
    struct settings_errors *errors);
void settings_free(struct settings **settings);
void settings_errors_free(struct settings_errors *errors);
/* One log line each. */
void settings_errors_log(const struct settings_errors *errors);

/* True when domain (any case) is one of domains, or hostname, or, with no
 * domains at all, "localhost". */
bool settings_is_local_domain(const struct settings *settings,
    struct slice domain);
const char *tls_level_name(enum tls_level level);
bool tls_level_find(struct slice name, enum tls_level *level);
bool network_list_contains(const struct network_list *list,
    const struct netaddr *addr);

#endif
