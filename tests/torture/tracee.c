/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/torture/tracee.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

void
tracee_read_name(struct tracee *tracee)
{
	char path[64];
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)tracee->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, tracee->name, sizeof(tracee->name) - 1);
		close(fd);
	}
	tracee->name[n > 0 ? n - 1 : 0] = '\0';
	for (char *c = tracee->name; *c != '\0'; c++)
		if (*c == ' ' || *c == ':')
			*c = '_';
}

long
tracee_read_call(struct tracee *tracee)
{
	struct user_regs_struct r = { 0 };

	ptrace(PTRACE_GETREGS, tracee->pid, NULL, &r);
	tracee->arguments[0] = r.rdi;
	tracee->arguments[1] = r.rsi;
	tracee->arguments[2] = r.rdx;
	tracee->arguments[3] = r.r10;
	tracee->arguments[4] = r.r8;
	tracee->arguments[5] = r.r9;
	return (long)r.orig_rax;
}

void
tracee_skip_call(struct tracee *tracee, long result)
{
	struct user_regs_struct r;

	ptrace(PTRACE_GETREGS, tracee->pid, NULL, &r);
	r.orig_rax = (unsigned long)-1L;
	ptrace(PTRACE_SETREGS, tracee->pid, NULL, &r);
	tracee->is_answered = true;
	tracee->result = result;
}

void
tracee_set_argument(
    struct tracee *tracee, unsigned int argument, unsigned long value)
{
	struct user_regs_struct r;

	ptrace(PTRACE_GETREGS, tracee->pid, NULL, &r);
	if (argument == 0)
		r.rdi = value;
	else if (argument == 1)
		r.rsi = value;
	else if (argument == 2)
		r.rdx = value;
	ptrace(PTRACE_SETREGS, tracee->pid, NULL, &r);
	tracee->is_changed = true;
}

void
tracee_restore_arguments(struct tracee *tracee)
{
	struct user_regs_struct r;

	ptrace(PTRACE_GETREGS, tracee->pid, NULL, &r);
	r.rdi = tracee->arguments[0];
	r.rsi = tracee->arguments[1];
	r.rdx = tracee->arguments[2];
	ptrace(PTRACE_SETREGS, tracee->pid, NULL, &r);
	tracee->is_changed = false;
}

void
tracee_set_result(const struct tracee *tracee, long result)
{
	struct user_regs_struct r;

	ptrace(PTRACE_GETREGS, tracee->pid, NULL, &r);
	r.rax = (unsigned long)result;
	ptrace(PTRACE_SETREGS, tracee->pid, NULL, &r);
}

bool
tracee_read_string(
    const struct tracee *tracee, unsigned long at, char *text, size_t size)
{
	struct iovec here = { text, size - 1 };
	struct iovec there;
	ssize_t n;

	/* Up to the end of a page: the next one may not be there. */
	if (size - 1 > 4096 - at % 4096)
		here.iov_len = 4096 - at % 4096;
	/* An address of the other process. */
	memcpy(&there.iov_base, &at, sizeof(at));
	there.iov_len = here.iov_len;
	n = process_vm_readv(tracee->pid, &here, 1, &there, 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static void
read_target(
    const struct tracee *tracee, unsigned long fd, char *text, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(
	    path, sizeof(path), "/proc/%d/fd/%d", (int)tracee->pid, (int)fd);
	n = readlink(path, text, size - 1);
	text[n > 0 ? n : 0] = '\0';
}

bool
tracee_is_stream(const struct tracee *tracee, unsigned long fd)
{
	char target[160];

	read_target(tracee, fd, target, sizeof(target));
	return strncmp(target, "socket:", 7) == 0 ||
	       strncmp(target, "pipe:", 5) == 0;
}

bool
tracee_is_loading(const struct tracee *tracee)
{
	struct user_regs_struct r = { 0 };
	char line[512];
	unsigned long from, to;
	bool is_found = false;
	FILE *maps;

	ptrace(PTRACE_GETREGS, tracee->pid, NULL, &r);
	snprintf(line, sizeof(line), "/proc/%d/maps", (int)tracee->pid);
	maps = fopen(line, "re");
	while (maps != NULL && !is_found &&
	       fgets(line, sizeof(line), maps) != NULL)
		is_found = sscanf(line, "%lx-%lx", &from, &to) == 2 &&
			   r.rip >= from && r.rip < to &&
			   strstr(line, "/ld-linux") != NULL;
	if (maps != NULL)
		fclose(maps);
	return is_found;
}

static void
describe_descriptor(
    const struct tracee *tracee, unsigned long fd, char *text, size_t size)
{
	char target[160];
	const char *last;

	read_target(tracee, fd, target, sizeof(target));
	last = strrchr(target, '/');
	snprintf(
	    text, size, "%d<%s>", (int)fd, last != NULL ? last + 1 : target);
}

void
tracee_describe(const struct tracee *tracee, char *text, size_t size)
{
	const char *format = tracee->call->format;
	char one[200];
	size_t used = 0;

	text[0] = '\0';
	for (unsigned int i = 0; format[i] != '\0' && used < size; i++) {
		unsigned long value = tracee->arguments[i];

		if (format[i] == '-')
			continue;
		if (format[i] == 'n')
			snprintf(one, sizeof(one), "%ld", (long)value);
		else if (format[i] == 'd')
			describe_descriptor(tracee, value, one, sizeof(one));
		else
			tracee_read_string(tracee, value, one, sizeof(one));
		used += (size_t)snprintf(text + used, size - used, " %s", one);
	}
}
