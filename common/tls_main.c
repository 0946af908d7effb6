/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include "common/io.h"
#include "common/jail.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/netaddr.h"
#include "common/program.h"
#include "common/settings.h"
#include "common/tls_context.h"
#include "common/tls_dane.h"
#include "common/tls_identity.h"
#include "common/tls_pump.h"
#include "common/tls_status.h"

struct tls_options {
	const char *path;
	const char *host;    /* client: whom it wants to reach */
	const char *address; /* for the log */
	const char *id;
	const char *domain; /* client: the next hop's, or "" */
	const char *tlsa;   /* client: "3 1 1 HEX,..."; "" none */
};

/* This program starts none. */
const struct program program_table[] = { { NULL, NULL } };

static bool
parse_options(int argc, char *const argv[], struct tls_options *options)
{
	int option;

	memset(options, 0, sizeof(*options));
	options->address = "unknown";
	options->id = "-";
	options->domain = options->tlsa = "";
	while ((option = getopt(argc, argv, "a:c:d:i:n:o:")) != -1) {
		switch (option) {
		case 'a':
			options->address = optarg;
			break;
		case 'c':
			options->path = optarg;
			break;
		case 'd':
			options->tlsa = optarg;
			break;
		case 'i':
			options->id = optarg;
			break;
		case 'n':
			options->domain = optarg;
			break;
		case 'o':
			options->host = optarg;
			break;
		default:
			return false;
		}
	}
	return optind == argc;
}

/* RFC 6066 section 3: addresses are not sent as server names. */
static bool
set_server_name(SSL *ssl, const char *host)
{
	struct netaddr address;
	char name[256]; /* OpenSSL's macro takes no const */

	snprintf(name, sizeof(name), "%s", host);
	if (netaddr_parse(slice_of(host), &address))
		return X509_VERIFY_PARAM_set1_ip_asc(
			   SSL_get0_param(ssl), host) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set_tlsext_host_name(ssl, name) == 1 &&
	       SSL_set1_host(ssl, host) == 1;
}

static bool
set_peer(SSL *ssl, const struct tls_options *options)
{
	return options->tlsa[0] != '\0' ? tls_dane_set(ssl, options->host,
					      options->domain, options->tlsa)
					: set_server_name(ssl, options->host);
}

static SSL *
make_ssl(const struct settings *settings, const struct tls_options *options,
    struct why *why)
{
	bool is_client = options->host != NULL;
	SSL_CTX *context = is_client ? tls_context_client(settings, why)
				     : tls_context_server(settings, why);
	SSL *ssl = context == NULL ? NULL : SSL_new(context);

	SSL_CTX_free(context);
	if (ssl == NULL)
		return NULL;
	if (SSL_set_fd(ssl, TLS_NETWORK) != 1 ||
	    (is_client && !set_peer(ssl, options))) {
		why_set(why, "cannot prepare TLS");
		SSL_free(ssl);
		return NULL;
	}
	if (is_client)
		SSL_set_connect_state(ssl);
	else
		SSL_set_accept_state(ssl);
	return ssl;
}

static void
fill_client_verdict(struct tls_status *status, SSL *ssl)
{
	long verdict = SSL_get_verify_result(ssl);

	if (SSL_get0_peer_certificate(ssl) == NULL)
		return;
	status->is_verified = verdict == X509_V_OK;
	if (verdict != X509_V_OK)
		snprintf(status->text, sizeof(status->text), "%s",
		    X509_verify_cert_error_string(verdict));
}

static void
fill_status(struct tls_status *status, SSL *ssl)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	status->is_ok = 1;
	snprintf(status->version, sizeof(status->version), "%s",
	    SSL_get_version(ssl));
	snprintf(status->cipher, sizeof(status->cipher), "%s",
	    SSL_CIPHER_get_name(cipher));
	status->bits = (uint32_t)SSL_CIPHER_get_bits(cipher, NULL);
	if (name != NULL)
		snprintf(status->server_name, sizeof(status->server_name), "%s",
		    name);
	fill_client_verdict(status, ssl);
	if (SSL_is_server(ssl))
		tls_identity_fill(status, ssl);
}

static bool
report(struct tls_status *status, const struct tls_options *options,
    const struct why *why)
{
	bool is_sent;

	status->magic = TLS_STATUS_MAGIC;
	if (status->is_ok == 0) {
		snprintf(
		    status->text, sizeof(status->text), "%.159s", why->text);
		log_info("%s: TLS with %s failed: %s", options->id,
		    options->address, why->text);
	} else {
		log_debug("%s: TLS with %s: %s %s", options->id,
		    options->address, status->version, status->cipher);
	}
	is_sent = io_write_all(TLS_STATUS, slice_make(status, sizeof(*status)),
		      io_deadline(TIMEOUT_PIPE)) == IO_OK;
	close(TLS_STATUS);
	return is_sent && status->is_ok == 1;
}

static bool
serve(const struct settings *settings, const struct tls_options *options)
{
	struct jail_request request = { .keep_count = TLS_STATUS + 1 };
	const struct jail *jail =
	    jail_find(options->host != NULL ? "tls-client" : "tls");
	struct tls_status status = { 0 };
	struct why why = { 0 };
	SSL *ssl = make_ssl(settings, options, &why);
	bool ok;

	ok = ssl != NULL && jail_enter(jail, settings, &request, &why) &&
	     tls_handshake(
		 ssl, TLS_NETWORK, io_deadline(TIMEOUT_TLS_HANDSHAKE), &why);
	if (ok)
		fill_status(&status, ssl);
	ok = report(&status, options, &why) && ok;
	if (ok)
		tls_pump_run(ssl, TLS_NETWORK, TLS_PLAINTEXT);
	SSL_free(ssl);
	return ok;
}

int
main(int argc, char *argv[])
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct settings_errors errors = { 0 };
	struct tls_options options;
	struct settings *settings;
	bool ok;

	if (!parse_options(argc, argv, &options)) {
		fprintf(stderr, "usage: tls [-c file] [-a address] [-i id] "
				"[-o host [-d tlsa]]\n");
		return EX_USAGE;
	}
	sigaction(SIGPIPE, &ignore, NULL);
	settings = settings_load(options.path, "tls", &errors);
	log_open(
	    "tls", settings->log_file, (enum log_level)settings->log_level);
	log_move(STDERR_FILENO);
	if (errors.count > 0)
		log_error("%s", errors.texts[0]);
	ok = errors.count == 0 && serve(settings, &options);
	settings_errors_free(&errors);
	settings_free(&settings);
	return ok ? EX_OK : EX_TEMPFAIL;
}
