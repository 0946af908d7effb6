/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailctl/certificate.h"

#include "common/base64.h"
#include "common/buf.h"
#include "common/date.h"

#define DER_MAX 65536

enum der_tag {
	DER_INTEGER = 0x02,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_VERSION = 0xa0,
};

/* Take one element (X.690 8.1): its tag and content. */
static bool
der_next(struct slice *rest, unsigned int *tag, struct slice *content)
{
	size_t length, at = 2, count;

	if (rest->len < 2)
		return false;
	*tag = (unsigned char)rest->ptr[0];
	length = (unsigned char)rest->ptr[1];
	if (length >= 0x80) {
		count = length & 0x7f;
		if (count < 1 || count > 3 || rest->len < 2 + count)
			return false;
		for (length = 0; at < 2 + count; at++)
			length = length << 8 | (unsigned char)rest->ptr[at];
	}
	if (length > rest->len - at)
		return false;
	*content = slice_first(slice_from(*rest, at), length);
	*rest = slice_from(*rest, at + length);
	return true;
}

static bool
der_expect(struct slice *rest, unsigned int want, struct slice *content)
{
	unsigned int tag;

	return der_next(rest, &tag, content) && tag == want;
}

/* YYMMDDHHMMSSZ, years from 50 on in the last century; or with YYYY. */
static bool
time_parse(unsigned int tag, struct slice text, int64_t *out)
{
	int pairs[7] = { 0 }, *pair = pairs; /* century, year, month, ... */
	uint64_t value;

	if (tag == DER_UTC_TIME)
		pair++;
	for (; pair < pairs + 7; pair++) {
		if (text.len < 2 ||
		    !slice_u64(slice_first(text, 2), 99, &value))
			return false;
		*pair = (int)value;
		text = slice_from(text, 2);
	}
	if (!slice_eq(text, S("Z")) || pairs[2] < 1 || pairs[2] > 12)
		return false;
	if (tag == DER_UTC_TIME)
		pairs[0] = pairs[1] < 50 ? 20 : 19;
	*out =
	    date_days(pairs[0] * 100 + pairs[1], pairs[2], pairs[3]) * 86400 +
	    pairs[4] * 3600 + pairs[5] * 60 + pairs[6];
	return true;
}

/* Pass over elements of these tags, 0 ending the list. */
static bool
der_skip(struct slice *rest, const unsigned int *tags)
{
	struct slice content;

	for (; *tags != 0; tags++)
		if (!der_expect(rest, *tags, &content))
			return false;
	return true;
}

/* Certificate { TBSCertificate { [0], serial, algorithm, issuer, Validity
 * { notBefore, notAfter }, ... (RFC 5280 section 4.1). */
static bool
find_end(struct slice der, int64_t *end)
{
	static const unsigned int before[] = { DER_INTEGER, DER_SEQUENCE,
		DER_SEQUENCE, 0 };
	struct slice certificate, body, part, validity;
	unsigned int tag;

	if (!der_expect(&der, DER_SEQUENCE, &certificate) ||
	    !der_expect(&certificate, DER_SEQUENCE, &body))
		return false;
	if (body.len > 0 && (unsigned char)body.ptr[0] == DER_VERSION)
		(void)der_next(&body, &tag, &part);
	if (!der_skip(&body, before) ||
	    !der_expect(&body, DER_SEQUENCE, &validity))
		return false;
	return der_next(&validity, &tag, &part) &&
	       der_next(&validity, &tag, &part) &&
	       (tag == DER_UTC_TIME || tag == DER_GENERALIZED_TIME) &&
	       time_parse(tag, part, end);
}

bool
certificate_parse_end(struct slice pem, int64_t *end, struct why *why)
{
	const struct slice head = S("-----BEGIN CERTIFICATE-----");
	struct slice body = slice_from(pem, slice_find(pem, head));
	struct slice word;
	struct buf text, der;
	bool ok;

	if (body.len == 0)
		return why_set(why, "no certificate in PEM form");
	body = slice_from(body, head.len);
	body = slice_first(body, slice_find(body, S("-----END")));
	buf_init(&text, DER_MAX);
	buf_init(&der, DER_MAX);
	while (slice_token(&body, S(" \t\r\n"), &word))
		buf_add(&text, word);
	ok = !text.failed && base64_decode(buf_slice(&text), &der) &&
	     find_end(buf_slice(&der), end);
	buf_free(&text);
	buf_free(&der);
	return ok || why_set(why, "the certificate is damaged");
}
