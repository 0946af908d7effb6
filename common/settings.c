/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/account.h"
#include "common/alloc.h"
#include "common/buf.h"
#include "common/destination_policy.h"
#include "common/fsutil.h"
#include "common/log.h"
#include "common/next_hop.h"
#include "common/settings_table.h"
#include "common/settings_text.h"
#include "common/verify_syntax.h"

/* By enum tls_level, and the choices of tls_security_level. */
static const char *const level_names[] = { "none", "may", "encrypt", "verify",
	"dane", "dane-only" };
#define LEVELS (sizeof(level_names) / sizeof(level_names[0]))

#define DEFAULT_PATH    SYSCONFDIR "/merpati/mail.conf"
#define NAME_MAX_LENGTH 255

static void
set_defaults(struct settings *settings)
{
	const struct settings_row *row;
	struct why why;

	for (row = settings_table; row->name != NULL; row++)
		BUG_UNLESS(settings_set(
		    settings, row, slice_of(row->default_text), &why));
}

static void
replace_string(char **field, const char *value)
{
	alloc_release(*field);
	*field = alloc_string(value);
}

/* The system's full name, by the resolver's canonical name when the node
 * name alone has no dot. */
static void
default_hostname(struct settings *settings)
{
	struct addrinfo hints = { .ai_flags = AI_CANONNAME };
	struct addrinfo *found = NULL;
	char name[NAME_MAX_LENGTH + 1] = "";

	if (gethostname(name, sizeof(name) - 1) < 0 || name[0] == '\0')
		snprintf(name, sizeof(name), "localhost");
	if (strchr(name, '.') == NULL &&
	    getaddrinfo(name, NULL, &hints, &found) == 0 && found != NULL &&
	    found->ai_canonname != NULL &&
	    strchr(found->ai_canonname, '.') != NULL)
		snprintf(name, sizeof(name), "%s", found->ai_canonname);
	if (found != NULL)
		freeaddrinfo(found);
	replace_string(&settings->hostname, name);
}

static void
default_origin(struct settings *settings)
{
	struct buf buf;
	struct slice name = S("");

	buf_init(&buf, 1024);
	if (settings->domains.count > 0)
		name = slice_of(settings->domains.items[0]);
	else if (fs_read_file(AT_FDCWD, "/etc/mailname", &buf, NULL))
		name = slice_trim(buf_slice(&buf));
	if (name.len == 0)
		name = slice_of(settings->hostname);
	alloc_release(settings->origin);
	settings->origin = alloc_zero(name.len + 1, 1);
	memcpy(settings->origin, name.ptr, name.len);
	buf_free(&buf);
}

static void
derive_defaults(struct settings *settings)
{
	if (settings->hostname[0] == '\0')
		default_hostname(settings);
	for (char *c = settings->hostname; *c != '\0'; c++)
		*c = ascii_lower(*c);
	if (settings->origin[0] == '\0')
		default_origin(settings);
	if (settings->queue_minimum_free == 0)
		settings->queue_minimum_free = 3 * settings->message_size_limit;
}

static bool
is_private(const struct network *network)
{
	static const char *const blocks[] = { "10.0.0.0/8", "172.16.0.0/12",
		"192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16",
		"100.64.0.0/10", "fc00::/7", "fe80::/10", "::1/128" };
	struct network block;

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (network_parse(slice_of(blocks[i]), &block) &&
		    network->bits >= block.bits &&
		    network_contains(&block, &network->base))
			return true;
	return false;
}

static void
check_next_hop(const struct settings *settings, struct settings_errors *errors)
{
	struct next_hop hop = { .kind = NEXT_HOP_HOST };
	struct why why;

	if (settings->relayhost[0] != '\0' &&
	    !next_hop_parse(slice_of(settings->relayhost), &hop, &why))
		settings_error(
		    errors, settings->path, 0, "relayhost: %s", why.text);
	memset(&hop, 0, sizeof(hop));
	if (!next_hop_parse_bind(slice_of(settings->smtp_bind_address), &hop))
		settings_error(errors, settings->path, 0,
		    "smtp_bind_address: one address of each family at most");
	for (size_t i = 0; i < settings->lmtp_sockets.count; i++)
		if (settings->lmtp_sockets.items[i][0] != '/')
			settings_error(errors, settings->path, 0,
			    "lmtp_sockets: whole paths");
	if (settings->relay_token_command[0] != '\0' &&
	    settings->relay_token_command[0] != '/')
		settings_error(errors, settings->path, 0,
		    "relay_token_command: a whole path");
}

/* A mynetworks that would make an open relay is refused. */
static void
check_mynetworks(
    const struct settings *settings, struct settings_errors *errors)
{
	char text[NETADDR_TEXT_SIZE];
	const struct network *network;
	unsigned int widest;

	for (size_t i = 0; i < settings->mynetworks.count; i++) {
		network = &settings->mynetworks.items[i];
		widest = network->base.family == 4 ? 24 : 48;
		if (is_private(network) ||
		    (settings->mynetworks_public && network->bits >= widest))
			continue;
		settings_error(errors, settings->path, 0,
		    "mynetworks: %s/%u would make an open relay; public"
		    " networks need mynetworks_public = yes and /%u or longer",
		    netaddr_format(&network->base, text),
		    (unsigned int)network->bits, widest);
	}
}

/* Who may say who the client is can say that it is anybody. */
static void
check_claimants(const struct settings *settings, struct settings_errors *errors,
    const char *name, const struct network_list *list)
{
	char text[NETADDR_TEXT_SIZE];
	const struct network *network;

	for (size_t i = 0; i < list->count; i++) {
		network = &list->items[i];
		if (is_private(network) ||
		    network->bits >= (network->base.family == 4 ? 24 : 48))
			continue;
		settings_error(errors, settings->path, 0,
		    "%s: %s/%u would make an open relay; list your own"
		    " proxies, one by one",
		    name, netaddr_format(&network->base, text),
		    (unsigned int)network->bits);
	}
}

static void
check_values(const struct settings *settings, struct settings_errors *errors)
{
	struct why why;
	uint32_t interval;

	check_mynetworks(settings, errors);
	check_claimants(
	    settings, errors, "proxy_networks", &settings->proxy_networks);
	check_claimants(
	    settings, errors, "xclient_hosts", &settings->xclient_hosts);
	if (settings->command_timeout == 0)
		settings_error(errors, settings->path, 0,
		    "command_timeout: at least one second (RFC 5321 4.5.3.2"
		    " wants five minutes)");
	if (!verify_settings_check(settings, &why))
		settings_error(errors, settings->path, 0, "%s", why.text);
	if (strchr(settings->hostname, ' ') != NULL)
		settings_error(errors, settings->path, 0,
		    "hostname: one name, without blanks");
	if (settings->message_size_limit < 65536)
		settings_error(errors, settings->path, 0,
		    "message_size_limit: at least 64K (RFC 5321 4.5.3.1.7)");
	if (settings->max_recipients < 100)
		settings_error(errors, settings->path, 0,
		    "max_recipients: at least 100 (RFC 5321 4.5.3.1.8)");
	if (settings->smtp_port < 1 || settings->smtp_port > 65535)
		settings_error(
		    errors, settings->path, 0, "smtp_port: 1 to 65535");
	check_next_hop(settings, errors);
	if (settings->minimal_backoff_time < 1 ||
	    settings->minimal_backoff_time > settings->maximal_backoff_time)
		settings_error(errors, settings->path, 0,
		    "minimal_backoff_time: at least 1s and not over"
		    " maximal_backoff_time");
	if (!destination_rate_parse(
		slice_of(settings->destination_rate), &interval, &why))
		settings_error(errors, settings->path, 0,
		    "destination_rate: %s", why.text);
	if (strlen(settings->recipient_delimiter) > 1)
		settings_error(errors, settings->path, 0,
		    "recipient_delimiter: one character or none");
}

struct settings *
settings_load(
    const char *path, const char *program, struct settings_errors *errors)
{
	struct settings *settings = alloc_zero(1, sizeof(*settings));
	bool is_named = path != NULL;

	errors->count = 0;
	errors->texts = NULL;
	if (path == NULL)
		path = secure_getenv("MERPATI_CONF");
	if (path != NULL && path[0] != '\0')
		is_named = true;
	else
		path = DEFAULT_PATH;
	set_defaults(settings);
	settings->accounts = account_cache_new();
	settings->path = alloc_string(path);
	/* Only the default file may be missing. */
	if (is_named || access(path, F_OK) == 0 || errno != ENOENT)
		settings_text_load(settings, path, program, errors);
	else
		settings->path[0] = '\0';
	derive_defaults(settings);
	check_values(settings, errors);
	return settings;
}

void
settings_free(struct settings **settings)
{
	const struct settings_row *row;

	if (*settings == NULL)
		return;
	for (row = settings_table; row->name != NULL; row++)
		settings_clear(*settings, row);
	account_cache_free(&(*settings)->accounts);
	alloc_release((*settings)->path);
	alloc_release(*settings);
	*settings = NULL;
}

void
settings_errors_free(struct settings_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		alloc_release(errors->texts[i]);
	alloc_release(errors->texts);
	errors->count = 0;
	errors->texts = NULL;
}

void
settings_errors_log(const struct settings_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		log_error("%s", errors->texts[i]);
}

const char *
tls_level_name(enum tls_level level)
{
	return level_names[level];
}

bool
tls_level_find(struct slice name, enum tls_level *level)
{
	for (size_t i = 0; i < LEVELS; i++)
		if (slice_eq(name, slice_of(level_names[i]))) {
			*level = (enum tls_level)i;
			return true;
		}
	return false;
}

bool
settings_is_local_domain(const struct settings *settings, struct slice domain)
{
	const struct string_list *domains = &settings->domains;

	for (size_t i = 0; i < domains->count; i++)
		if (slice_eq_nocase(domain, slice_of(domains->items[i])))
			return true;
	return slice_eq_nocase(domain, slice_of(settings->hostname)) ||
	       slice_eq_nocase(domain, S("localhost"));
}

bool
network_list_contains(
    const struct network_list *list, const struct netaddr *addr)
{
	for (size_t i = 0; i < list->count; i++)
		if (network_contains(&list->items[i], addr))
			return true;
	return false;
}
