/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/torture/calls.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define C CALL_CHANGES
#define D CALL_DISK
#define O CALL_OPENS
#define M CALL_MEMORY
#define S CALL_SLOW
#define P CALL_SIZED

#define MAKES (O_CREAT | O_TRUNC)

static const struct call call_table[] = {
	{ SYS_openat, "creat", C | D | O, TEST_ANY_BIT, 2, MAKES, "dpn" },
	{ SYS_openat, "openat", D | O, TEST_NONE, 0, 0, "dpn" },
	{ SYS_write, "write", C | D | S | P, TEST_NONE, 0, 0, "d-n" },
	{ SYS_pwrite64, "pwrite", C | D | S | P, TEST_NONE, 0, 0, "d-nn" },
	{ SYS_writev, "writev", C | D | S, TEST_NONE, 0, 0, "d-n" },
	{ SYS_sendto, "sendto", C | S, TEST_NONE, 0, 0, "d-n" },
	{ SYS_sendmsg, "sendmsg", C | S, TEST_NONE, 0, 0, "d" },
	{ SYS_rename, "rename", C | D, TEST_NONE, 0, 0, "pp" },
	{ SYS_renameat, "renameat", C | D, TEST_NONE, 0, 0, "dpdp" },
	{ SYS_renameat2, "renameat2", C | D, TEST_NONE, 0, 0, "dpdpn" },
	{ SYS_link, "link", C | D, TEST_NONE, 0, 0, "pp" },
	{ SYS_linkat, "linkat", C | D, TEST_NONE, 0, 0, "dpdpn" },
	{ SYS_unlink, "unlink", C | D, TEST_NONE, 0, 0, "p" },
	{ SYS_unlinkat, "unlinkat", C | D, TEST_NONE, 0, 0, "dpn" },
	{ SYS_mkdir, "mkdir", C | D, TEST_NONE, 0, 0, "pn" },
	{ SYS_mkdirat, "mkdirat", C | D, TEST_NONE, 0, 0, "dpn" },
	{ SYS_rmdir, "rmdir", C | D, TEST_NONE, 0, 0, "p" },
	{ SYS_symlinkat, "symlinkat", C | D, TEST_NONE, 0, 0, "pdp" },
	{ SYS_fsync, "fsync", C | D | S, TEST_NONE, 0, 0, "d" },
	{ SYS_fdatasync, "fdatasync", C | D | S, TEST_NONE, 0, 0, "d" },
	{ SYS_syncfs, "syncfs", C | D, TEST_NONE, 0, 0, "d" },
	{ SYS_ftruncate, "ftruncate", C | D | S, TEST_NONE, 0, 0, "dn" },
	{ SYS_fallocate, "fallocate", C | D | S, TEST_NONE, 0, 0, "dnn" },
	{ SYS_sendfile, "sendfile", C | D | S, TEST_NONE, 0, 0, "dd" },
	{ SYS_copy_file_range, "copy_file_range", C | D, TEST_NONE, 0, 0,
	    "d-d" },
	{ SYS_flock, "flock", C | S, TEST_NONE, 0, 0, "dn" },
	{ SYS_fcntl, "setlk", C, TEST_EQUAL, 1, F_SETLK, "dn" },
	{ SYS_fcntl, "setlkw", C | S, TEST_EQUAL, 1, F_SETLKW, "dn" },
	{ SYS_fcntl, "ofd_setlk", C, TEST_EQUAL, 1, F_OFD_SETLK, "dn" },
	{ SYS_fcntl, "ofd_setlkw", C | S, TEST_EQUAL, 1, F_OFD_SETLKW, "dn" },
	{ SYS_fchmod, "fchmod", C | D, TEST_NONE, 0, 0, "dn" },
	{ SYS_fchmodat, "fchmodat", C | D, TEST_NONE, 0, 0, "dpn" },
	{ SYS_fchown, "fchown", C | D, TEST_NONE, 0, 0, "dnn" },
	{ SYS_fchownat, "fchownat", C | D, TEST_NONE, 0, 0, "dpnn" },
	{ SYS_utimensat, "utimensat", C | D, TEST_NONE, 0, 0, "dp" },
	{ SYS_clone, "clone", C | M, TEST_NONE, 0, 0, "n" },
	{ SYS_execve, "execve", C | M | D, TEST_NONE, 0, 0, "p" },
	{ SYS_exit_group, "exit", C, TEST_NONE, 0, 0, "n" },
	{ SYS_kill, "kill", C, TEST_NONE, 0, 0, "nn" },
	{ SYS_shutdown, "shutdown", C, TEST_NONE, 0, 0, "dn" },
	{ SYS_connect, "connect", C | S, TEST_NONE, 0, 0, "d" },
	{ SYS_read, "read", D | S | P, TEST_NONE, 0, 0, "d-n" },
	{ SYS_pread64, "pread", D | P, TEST_NONE, 0, 0, "d-nn" },
	{ SYS_recvmsg, "recvmsg", S, TEST_NONE, 0, 0, "d" },
	{ SYS_recvfrom, "recvfrom", S | P, TEST_NONE, 0, 0, "d-n" },
	{ SYS_poll, "poll", S | M, TEST_NONE, 0, 0, "-n" },
	{ SYS_accept4, "accept4", O | S, TEST_NONE, 0, 0, "d" },
	{ SYS_socket, "socket", O | M, TEST_NONE, 0, 0, "nnn" },
	{ SYS_socketpair, "socketpair", O | M, TEST_NONE, 0, 0, "nnn" },
	{ SYS_pipe2, "pipe2", O | M, TEST_NONE, 0, 0, "" },
	{ SYS_mmap, "mmap", M, TEST_NONE, 0, 0, "-n" },
	{ SYS_brk, "brk", M, TEST_NONE, 0, 0, "" },
	{ SYS_newfstatat, "fstatat", D, TEST_NONE, 0, 0, "dp" },
	{ SYS_getdents64, "getdents", D, TEST_NONE, 0, 0, "d" },
};

#define CALL_COUNT (sizeof(call_table) / sizeof(call_table[0]))

static bool
is_meant(const struct call *call, const unsigned long arguments[6])
{
	unsigned int argument = (unsigned int)arguments[call->argument];

	switch (call->test) {
	case TEST_ANY_BIT:
		return (argument & call->value) != 0;
	case TEST_EQUAL:
		return argument == call->value;
	case TEST_NONE:
		break;
	}
	return true;
}

const struct call *
call_find(long number, const unsigned long arguments[6], unsigned int kinds)
{
	for (size_t i = 0; i < CALL_COUNT; i++)
		if (call_table[i].number == number &&
		    (call_table[i].kinds & kinds) != 0 &&
		    is_meant(&call_table[i], arguments))
			return &call_table[i];
	return NULL;
}

const char *
call_letters(unsigned int kinds, char text[8])
{
	static const char letters[] = "CDOMSP";
	size_t n = 0;

	for (size_t i = 0; letters[i] != '\0'; i++)
		if ((kinds & 1U << i) != 0)
			text[n++] = letters[i];
	if (n == 0)
		text[n++] = '-';
	text[n] = '\0';
	return text;
}

#define LOAD(what)                                                             \
	((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,                \
	    (unsigned int)offsetof(struct seccomp_data, what)))
#define JUMP(how, k, yes, no)                                                  \
	((struct sock_filter)BPF_JUMP(BPF_JMP | (how) | BPF_K, k, yes, no))
#define GIVE(what) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what))

/* The number is in the accumulator, before and after it. */
static size_t
add_row(struct sock_filter *out, const struct call *call)
{
	unsigned int number = (unsigned int)call->number;
	size_t n = 0;

	if (call->test == TEST_NONE) {
		out[n++] = JUMP(BPF_JEQ, number, 0, 1);
		out[n++] = GIVE(SECCOMP_RET_TRACE);
		return n;
	}
	out[n++] = JUMP(BPF_JEQ, number, 0, 4);
	out[n++] = LOAD(args[call->argument]);
	out[n++] = JUMP(
	    call->test == TEST_EQUAL ? BPF_JEQ : BPF_JSET, call->value, 0, 1);
	out[n++] = GIVE(SECCOMP_RET_TRACE);
	out[n++] = LOAD(nr);
	return n;
}

bool
calls_filter(unsigned int kinds)
{
	struct sock_filter code[8 * CALL_COUNT + 8];
	struct sock_fprog program = { .filter = code };
	size_t n = 0;

	code[n++] = LOAD(nr);
	for (size_t i = 0; i < CALL_COUNT; i++)
		if ((call_table[i].kinds & kinds) != 0)
			n += add_row(code + n, &call_table[i]);
	code[n++] = GIVE(SECCOMP_RET_ALLOW);
	program.len = (unsigned short)n;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
