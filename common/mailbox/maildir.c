/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/mailbox/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/fsutil.h"

/* In ASCII order, as they stand in a name. */
static const struct {
	char letter;
	uint32_t flag;
} flag_letters[] = {
	{ 'D', MAIL_DRAFT },
	{ 'F', MAIL_FLAGGED },
	{ 'R', MAIL_ANSWERED },
	{ 'S', MAIL_SEEN },
	{ 'T', MAIL_DELETED },
};

#define FLAG_LETTERS (sizeof(flag_letters) / sizeof(flag_letters[0]))

static uint32_t
flag_of_letter(char letter)
{
	for (size_t i = 0; i < FLAG_LETTERS; i++)
		if (flag_letters[i].letter == letter)
			return flag_letters[i].flag;
	return 0;
}

/* ",S=123": the first occurrence counts, and only when it ends well. */
static uint64_t
maildir_name_number(struct slice base, struct slice key)
{
	size_t at = slice_find(base, key), digits = 0;
	struct slice rest = slice_from(base, at + key.len);
	uint64_t value;

	if (at == base.len)
		return UINT64_MAX;
	while (digits < rest.len && ascii_is_digit(rest.ptr[digits]))
		digits++;
	if (digits < rest.len && rest.ptr[digits] != ',')
		return UINT64_MAX;
	if (!slice_u64(slice_first(rest, digits), INT64_MAX, &value))
		return UINT64_MAX;
	return value;
}

static void
maildir_name_flags(struct slice letters, struct maildir_name *out)
{
	for (size_t i = 0; i < letters.len && letters.ptr[i] != ','; i++) {
		char c = letters.ptr[i];

		if (c >= 'a' && c <= 'z')
			out->keywords |= (uint32_t)1 << (c - 'a');
		else
			out->flags |= flag_of_letter(c);
	}
}

void
maildir_name_parse(struct slice file, struct maildir_name *out)
{
	struct slice info;

	memset(out, 0, sizeof(*out));
	out->base = slice_first(file, slice_index(file, ':'));
	out->size = maildir_name_number(out->base, S(",S="));
	out->wire_size = maildir_name_number(out->base, S(",W="));
	info = slice_from(file, slice_last_index(file, ':') + 1);
	if (out->base.len == file.len || !slice_starts(info, S("2,")))
		return;
	out->others = slice_from(info, 2);
	maildir_name_flags(out->others, out);
}

/* Letters that mean nothing to us, and all after a second comma. */
static void
maildir_name_unknown(struct slice others, bool present[128], struct slice *tail)
{
	size_t comma = slice_index(others, ',');

	*tail = slice_from(others, comma);
	for (size_t i = 0; i < comma; i++) {
		unsigned char c = (unsigned char)others.ptr[i];

		if (c > ' ' && c < 127 && (c < 'a' || c > 'z') &&
		    flag_of_letter((char)c) == 0)
			present[c] = true;
	}
}

bool
maildir_name_format(struct buf *out, const struct maildir_name *name)
{
	bool present[128] = { false };
	struct slice tail;

	maildir_name_unknown(name->others, present, &tail);
	for (size_t i = 0; i < FLAG_LETTERS; i++)
		if ((name->flags & flag_letters[i].flag) != 0)
			present[(size_t)flag_letters[i].letter] = true;
	for (size_t i = 0; i < 26; i++)
		if ((name->keywords >> i & 1) != 0)
			present['a' + i] = true;
	buf_add(out, name->base);
	buf_add(out, S(":2,"));
	for (size_t c = 0; c < sizeof(present); c++)
		if (present[c])
			buf_add_char(out, (char)c);
	return buf_add(out, tail);
}

bool
maildir_add_host(struct buf *out)
{
	char host[256];

	if (gethostname(host, sizeof(host)) != 0 || host[0] == '\0')
		return buf_add_string(out, "localhost");
	host[sizeof(host) - 1] = '\0';
	for (const char *c = host; *c != '\0'; c++) {
		if (ascii_is_print(*c) && *c != '/' && *c != ':' && *c != ',' &&
		    *c != ' ')
			buf_add_char(out, *c);
		else
			buf_add_format(out, "\\%03o", (unsigned char)*c);
	}
	return !out->failed;
}

bool
maildir_unique_base(struct buf *out)
{
	struct timespec now;
	uint32_t noise = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	if (getrandom(&noise, sizeof(noise), 0) != sizeof(noise))
		noise = (uint32_t)now.tv_nsec;
	buf_add_format(out, "%lld.M%06ldP%ldR%08x.", (long long)now.tv_sec,
	    now.tv_nsec / 1000, (long)getpid(), noise);
	return maildir_add_host(out);
}

static bool
maildir_make_parts(int fd, struct why *why)
{
	static const char *const parts[] = { "tmp", "new", "cur" };

	for (size_t i = 0; i < 3; i++)
		if (mkdirat(fd, parts[i], 0700) != 0 && errno != EEXIST)
			return why_errno(why, "cannot make %s", parts[i]);
	return true;
}

int
maildir_open(const char *path, bool may_create, struct why *why)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 && errno == ENOENT && may_create) {
		if (!fs_make_directories(path, 0700, why))
			return -1;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0) {
		why_errno(why, "cannot open the Maildir %s", path);
		return -1;
	}
	if (fstatat(fd, "cur", &status, 0) == 0 &&
	    fstatat(fd, "new", &status, 0) == 0 &&
	    fstatat(fd, "tmp", &status, 0) == 0)
		return fd;
	if (may_create && maildir_make_parts(fd, why))
		return fd;
	if (!may_create)
		why_set(why, "%s is not a Maildir", path);
	close(fd);
	return -1;
}
