/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/idna.h"

#include <stdint.h>

#include "common/limits.h"
#include "common/utf8.h"

/* RFC 3492 section 5. */
enum {
	BASE = 36,
	TMIN = 1,
	TMAX = 26,
	SKEW = 38,
	DAMP = 700,
	FIRST_BIAS = 72,
	FIRST_CODE = 128,
	LABEL_MAX = 63
};

/* Code points of one label, which is at most as long as its UTF-8. */
struct label {
	uint32_t codes[LIMIT_SMTP_DOMAIN];
	size_t count;
};

static bool
label_decode(struct slice text, struct label *label)
{
	label->count = 0;
	while (text.len > 0) {
		if (label->count == LIMIT_SMTP_DOMAIN ||
		    !utf8_next(&text, &label->codes[label->count++]))
			return false;
	}
	return true;
}

static char
digit(uint32_t value)
{
	return (char)(value < 26 ? 'a' + value : '0' + value - 26);
}

/* RFC 3492 section 6.1. */
static uint32_t
adapt(uint32_t delta, uint32_t points, bool is_first)
{
	uint32_t k = 0;

	delta /= is_first ? DAMP : 2;
	delta += delta / points;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static void
put_number(struct buf *out, uint32_t number, uint32_t bias)
{
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t threshold = k <= bias          ? TMIN
				     : k >= bias + TMAX ? TMAX
							: k - bias;

		if (number < threshold)
			break;
		buf_add_char(out, digit(threshold + (number - threshold) %
							(BASE - threshold)));
		number = (number - threshold) / (BASE - threshold);
	}
	buf_add_char(out, digit(number));
}

static size_t
put_basic(struct buf *out, const struct label *label)
{
	size_t count = 0;

	for (size_t i = 0; i < label->count; i++)
		if (label->codes[i] < FIRST_CODE) {
			buf_add_char(out, ascii_lower((char)label->codes[i]));
			count++;
		}
	if (count > 0)
		buf_add_char(out, '-');
	return count;
}

static uint32_t
next_code(const struct label *label, uint32_t least)
{
	uint32_t next = UINT32_MAX;

	for (size_t i = 0; i < label->count; i++)
		if (label->codes[i] >= least && label->codes[i] < next)
			next = label->codes[i];
	return next;
}

/* RFC 3492 section 6.3. Nothing overflows: 255 code points below 0x110000
 * give deltas below 2^29. */
static void
put_punycode(struct buf *out, const struct label *label)
{
	size_t basic = put_basic(out, label), done = basic;
	uint32_t code = FIRST_CODE, bias = FIRST_BIAS, delta = 0, next;

	while (done < label->count) {
		next = next_code(label, code);
		delta += (next - code) * (uint32_t)(done + 1);
		code = next;
		for (size_t i = 0; i < label->count; i++) {
			if (label->codes[i] < code)
				delta++;
			if (label->codes[i] != code)
				continue;
			put_number(out, delta, bias);
			bias =
			    adapt(delta, (uint32_t)(done + 1), done == basic);
			delta = 0;
			done++;
		}
		delta++;
		code++;
	}
}

static bool
put_label(struct buf *out, struct slice text)
{
	size_t before = out->len;
	struct label label;

	if (slice_is_ascii(text)) {
		buf_add(out, text);
	} else {
		if (!label_decode(text, &label))
			return false;
		buf_add(out, S("xn--"));
		put_punycode(out, &label);
	}
	return !out->failed && out->len - before <= LABEL_MAX;
}

bool
idna_to_ascii(struct slice domain, struct buf *out)
{
	size_t before = out->len;
	struct slice label;
	bool is_more = true;

	while (is_more) {
		is_more = slice_cut(domain, '.', &label, &domain);
		if (!put_label(out, label) ||
		    (is_more && !buf_add_char(out, '.')))
			return false;
	}
	return domain_is_valid(slice_from(buf_slice(out), before));
}

bool
idna_address(struct address *address, struct arena *arena)
{
	struct buf text;
	bool ok;

	if (slice_is_ascii(address->domain))
		return true;
	buf_init(&text, 2 * LIMIT_SMTP_DOMAIN);
	ok = idna_to_ascii(address->domain, &text);
	if (ok)
		address->domain = arena_slice(arena, buf_slice(&text));
	buf_free(&text);
	return ok && address->domain.len > 0;
}
