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
enum tls_level { TLS_LEVEL_NONE, TLS_LEVEL_MAY, TLS_LEVEL_ENCRYPT };

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
	/* relaying */
	char *relayhost;                /* "host:port", "[1.2.3.4]:25" or "" */
	char *relay_map;                /* file: destination user:password */
	char *route_map;                /* file: domain host:port */
	uint64_t tls_security_level;    /* enum tls_level, outgoing */
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
	uint64_t minimal_backoff_time, maximal_backoff_time;
	uint64_t destination_concurrency; /* relay processes per host: 20 */
	uint64_t delivery_processes;    /* deliver processes in all: 20 */
	uint64_t relay_processes;       /* relay processes in all: 100 */
	/* TLS */
	char *tls_cert_file, *tls_key_file; /* "": found by hostname or made */
	uint64_t tls_min_version;       /* 0: TLSv1.2, 1: TLSv1.3 */
	/* mailboxes */
	struct string_list special_folders; /* Drafts Sent Junk Trash Archive */
	/* super-server */
	struct string_list listen;      /* "smtp:25" "pop3s:[::1]:995"; default
	                                 * all seven services */
	uint64_t max_connections;       /* 512, all services together */
	uint64_t rate_client;           /* 20 connections per address at once */
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
bool network_list_contains(const struct network_list *list,
    const struct netaddr *addr);

#endif
