/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/tls_dane.h"

#include <openssl/x509v3.h>

#include "common/slice.h"

#define DIGEST_MAX 64

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
parse_hex(struct slice text, unsigned char bytes[DIGEST_MAX], size_t *count)
{
	int high, low;

	*count = text.len / 2;
	if (text.len % 2 != 0 || *count == 0 || *count > DIGEST_MAX)
		return false;
	for (size_t i = 0; i < *count; i++) {
		high = digit_value(text.ptr[2 * i]);
		low = digit_value(text.ptr[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static bool
add_record(SSL *ssl, struct slice record)
{
	unsigned char digest[DIGEST_MAX];
	uint64_t numbers[3];
	struct slice word;
	size_t count;

	for (size_t i = 0; i < 3; i++)
		if (!slice_cut(record, ' ', &word, &record) ||
		    !slice_u64(word, 255, &numbers[i]))
			return false;
	return parse_hex(record, digest, &count) &&
	       SSL_dane_tlsa_add(ssl, (uint8_t)numbers[0], (uint8_t)numbers[1],
		   (uint8_t)numbers[2], digest, count) > 0;
}

bool
tls_dane_set(
    SSL *ssl, const char *host, const char *domain, const char *records)
{
	struct slice rest = slice_of(records), record;
	bool has_any = false;

	if (SSL_CTX_dane_enable(SSL_get_SSL_CTX(ssl)) != 1 ||
	    SSL_dane_enable(ssl, host) != 1 ||
	    (domain[0] != '\0' && SSL_add1_host(ssl, domain) != 1))
		return false;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	(void)SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	while (slice_token(&rest, S(","), &record))
		has_any |= add_record(ssl, record);
	return has_any;
}
