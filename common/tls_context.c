/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/tls_context.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

#include "common/log.h"
#include "common/tls_certificate.h"

#define TLS_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL:!MD5:!DSS"

static const char *const tls_authorities[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/cert.pem",
};

const char *
tls_reason(char *text, size_t size)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(error);

	snprintf(text, size, "%s", reason != NULL ? reason : "connection lost");
	ERR_clear_error();
	return text;
}

static SSL_CTX *
context_new(const SSL_METHOD *method, int min_version, struct why *why)
{
	SSL_CTX *context = SSL_CTX_new(method);

	if (context == NULL || !SSL_CTX_set_cipher_list(context, TLS_CIPHERS) ||
	    !SSL_CTX_set_min_proto_version(context, min_version)) {
		SSL_CTX_free(context);
		why_set(why, "cannot make a TLS context");
		return NULL;
	}
	SSL_CTX_set_options(context,
	    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS |
				      SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 0);
	return context;
}

static bool
load_pair(
    SSL_CTX *context, const char *certificate, const char *key, struct why *why)
{
	char reason[128];

	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
		return why_set(why, "certificate %s: %s", certificate,
		    tls_reason(reason, sizeof(reason)));
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1)
		return why_set(
		    why, "key %s: %s", key, tls_reason(reason, sizeof(reason)));
	return true;
}

static bool
load_certbot(SSL_CTX *context, const struct settings *settings, bool *is_there,
    struct why *why)
{
	char certificate[1024], key[1024];

	snprintf(certificate, sizeof(certificate),
	    "/etc/letsencrypt/live/%s/fullchain.pem", settings->hostname);
	snprintf(key, sizeof(key), "/etc/letsencrypt/live/%s/privkey.pem",
	    settings->hostname);
	*is_there = access(certificate, R_OK) == 0 && access(key, R_OK) == 0;
	return *is_there && load_pair(context, certificate, key, why);
}

static bool
load_own(SSL_CTX *context, const struct settings *settings, struct why *why)
{
	struct tls_certificate_paths paths;

	if (!tls_certificate_find(settings, &paths, why))
		return false;
	return load_pair(context, paths.certificate, paths.key, why);
}

static bool
load_server(SSL_CTX *context, const struct settings *settings, struct why *why)
{
	const char *key = settings->tls_key_file;
	bool is_there, ok;

	if (settings->tls_cert_file[0] != '\0')
		return load_pair(context, settings->tls_cert_file,
		    key[0] != '\0' ? key : settings->tls_cert_file, why);
	ok = load_certbot(context, settings, &is_there, why);
	return is_there ? ok : load_own(context, settings, why);
}

/* The handshake goes on whatever the client shows: what it is worth is said
 * in tls_status. A certificate in the file need not be an authority's. */
static int
verify_later(int is_right, X509_STORE_CTX *store)
{
	(void)is_right;
	(void)store;
	return 1;
}

static bool
ask_client(SSL_CTX *context, const struct settings *settings, struct why *why)
{
	const char *file = settings->tls_client_ca_file;
	char reason[128];

	if (file[0] == '\0')
		return true;
	if (SSL_CTX_load_verify_file(context, file) != 1)
		return why_set(why, "tls_client_ca_file %s: %s", file,
		    tls_reason(reason, sizeof(reason)));
	SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(file));
	X509_VERIFY_PARAM_set_flags(
	    SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, verify_later);
	return true;
}

SSL_CTX *
tls_context_server(const struct settings *settings, struct why *why)
{
	SSL_CTX *context = context_new(TLS_server_method(),
	    settings->tls_min_version == 1 ? TLS1_3_VERSION : TLS1_2_VERSION,
	    why);

	if (context == NULL || (load_server(context, settings, why) &&
				   ask_client(context, settings, why)))
		return context;
	SSL_CTX_free(context);
	return NULL;
}

/* For hosts that know us by it; others take mail without. */
static void
load_client(SSL_CTX *context, const struct settings *settings)
{
	const char *certificate = settings->smtp_tls_cert_file,
		   *key = settings->smtp_tls_key_file;
	struct why why = { 0 };

	if (certificate[0] != '\0' &&
	    !load_pair(
		context, certificate, key[0] != '\0' ? key : certificate, &why))
		log_warning("smtp_tls_cert_file is not shown: %s", why.text);
}

/* Without authorities no certificate is right; mail still goes out. */
SSL_CTX *
tls_context_client(const struct settings *settings, struct why *why)
{
	SSL_CTX *context =
	    context_new(TLS_client_method(), TLS1_2_VERSION, why);

	if (context == NULL)
		return NULL;
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	load_client(context, settings);
	if (settings->tls_ca_file[0] != '\0') {
		if (SSL_CTX_load_verify_file(context, settings->tls_ca_file) !=
		    1)
			log_warning("cannot read certificates from %s",
			    settings->tls_ca_file);
		ERR_clear_error();
		return context;
	}
	for (size_t i = 0;
	     i < sizeof(tls_authorities) / sizeof(tls_authorities[0]); i++)
		if (SSL_CTX_load_verify_file(context, tls_authorities[i]) == 1)
			return context;
	ERR_clear_error();
	log_debug("no file of certificate authorities");
	return context;
}
