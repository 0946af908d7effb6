/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/tls_identity.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

static void
fill_exporter(struct tls_status *status, SSL *ssl)
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (SSL_version(ssl) >= TLS1_3_VERSION &&
	    SSL_export_keying_material(ssl, status->exporter,
		sizeof(status->exporter), label, sizeof(label) - 1, NULL, 0,
		0) == 1)
		status->exporter_len = sizeof(status->exporter);
}

/* RFC 5929 section 4.1: the hash of the certificate's signature, SHA-256 in
 * place of MD5 and SHA-1; undefined where the signature has no hash. */
static const EVP_MD *
end_point_digest(const X509 *certificate)
{
	int digest = NID_undef;

	if (OBJ_find_sigid_algs(
		X509_get_signature_nid(certificate), &digest, NULL) != 1 ||
	    digest == NID_undef)
		return NULL;
	if (digest == NID_md5 || digest == NID_sha1)
		digest = NID_sha256;
	return EVP_get_digestbynid(digest);
}

static void
fill_end_point(struct tls_status *status, SSL *ssl)
{
	const X509 *certificate = SSL_get_certificate(ssl);
	const EVP_MD *digest;
	unsigned int len = 0;

	if (certificate == NULL)
		return;
	digest = end_point_digest(certificate);
	if (digest != NULL &&
	    (size_t)EVP_MD_get_size(digest) <= sizeof(status->end_point) &&
	    X509_digest(certificate, digest, status->end_point, &len) == 1)
		status->end_point_len = len;
}

/* The first rfc822Name of the subject's alternative names. */
static void
fill_address(struct tls_status *status, const X509 *certificate)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const unsigned char *text;
		size_t len;

		if (name->type != GEN_EMAIL)
			continue;
		text = ASN1_STRING_get0_data(name->d.rfc822Name);
		len = (size_t)ASN1_STRING_length(name->d.rfc822Name);
		if (len >= sizeof(status->client_address) ||
		    memchr(text, '\0', len) != NULL)
			continue;
		memcpy(status->client_address, text, len);
		break;
	}
	GENERAL_NAMES_free(names);
}

void
tls_identity_fill(struct tls_status *status, SSL *ssl)
{
	X509 *certificate = SSL_get0_peer_certificate(ssl);
	unsigned int len = 0;

	fill_exporter(status, ssl);
	fill_end_point(status, ssl);
	if (certificate != NULL && status->is_verified != 0) {
		fill_address(status, certificate);
		if (X509_digest(certificate, EVP_sha256(), status->fingerprint,
			&len) != 1)
			status->is_verified = 0;
	}
	ERR_clear_error();
}
