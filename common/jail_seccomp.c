/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/jail_seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/log.h"

#if defined(__x86_64__)
#define JAIL_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define JAIL_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef JAIL_ARCHITECTURE

#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif

/* Of one class; a call may be listed twice. */
#define JAIL_CALLS_MAX 192

/* Calls of the x32 interface would pass a comparison with their number. */
#define X32_CALL_BIT 0x40000000U

#define NEW_NAMESPACES                                                         \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |         \
	    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* Bytes, time, memory, the end, and what libc does by itself. Lists are in
 * the order of use, for the reader. */
static const short pump_calls[] = {
	SYS_read,
	SYS_write,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
	SYS_close,
	SYS_clock_gettime,
	SYS_sendto,
	SYS_brk,
	SYS_munmap,
	SYS_exit_group,
	SYS_futex,
	SYS_getrandom,
	SYS_readv,
	SYS_writev,
	SYS_recvfrom,
	SYS_recvmsg,
	SYS_sendmsg,
	SYS_shutdown,
	SYS_fcntl,
	SYS_fstat,
	SYS_newfstatat,
	SYS_getpid,
	SYS_gettid,
	SYS_gettimeofday,
	SYS_clock_nanosleep,
	SYS_nanosleep,
	SYS_madvise,
	SYS_mremap,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_sched_yield,
	SYS_sysinfo,
	SYS_exit,
#ifdef SYS_time
	SYS_time,
#endif
};

static const short reader_calls[] = {
	SYS_lseek,
	SYS_pread64,
};

static const short client_calls[] = {
	SYS_connect,
	SYS_setsockopt,
	SYS_getsockopt,
	SYS_getsockname,
	SYS_getpeername,
	SYS_bind,
	SYS_sendmmsg,
	SYS_recvmmsg,
	SYS_pselect6,
	SYS_uname,
};

/* State files: opened below what Landlock leaves, locked, never renamed. */
static const short adviser_calls[] = {
	SYS_openat,
	SYS_unlinkat,
	SYS_pwrite64,
	SYS_ftruncate,
};

static const short filer_calls[] = {
	SYS_openat,
	SYS_renameat2,
	SYS_unlinkat,
	SYS_fsync,
	SYS_fdatasync,
	SYS_linkat,
	SYS_pwrite64,
	SYS_pwritev,
	SYS_ftruncate,
	SYS_getdents64,
	SYS_flock,
	SYS_fallocate,
	SYS_syncfs,
	SYS_renameat,
	SYS_mkdirat,
	SYS_mknodat,
	SYS_utimensat,
	SYS_fchmod,
	SYS_fchmodat,
	SYS_umask,
	SYS_statfs,
	SYS_fstatfs,
	SYS_faccessat,
	SYS_faccessat2,
	SYS_readlinkat,
	SYS_getcwd,
	SYS_chdir,
	SYS_fchdir,
	SYS_dup,
	SYS_dup3,
	SYS_pipe2,
	SYS_statx,
	SYS_fadvise64,
	SYS_sendfile,
	SYS_copy_file_range,
	SYS_msync,
	SYS_pselect6,
	SYS_uname,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_getppid,
	SYS_inotify_init1,
	SYS_inotify_add_watch,
	SYS_inotify_rm_watch,
#ifdef SYS_open
	SYS_open,
	SYS_stat,
	SYS_lstat,
	SYS_rename,
	SYS_unlink,
	SYS_link,
	SYS_mkdir,
	SYS_rmdir,
	SYS_mknod,
	SYS_chmod,
	SYS_access,
	SYS_readlink,
	SYS_dup2,
	SYS_select,
	SYS_utime,
	SYS_utimes,
#endif
};

static const short manager_calls[] = {
	SYS_socketpair,
	SYS_eventfd2,
	SYS_wait4,
	SYS_waitid,
	SYS_setsockopt,
	SYS_getsockopt,
	SYS_rt_sigtimedwait,
	SYS_signalfd4,
	/* Berkeley DB asks it when it opens the index of a table. */
	SYS_sched_getaffinity,
};

/* The program that is started inherits this filter, so it must be able to
 * load itself and to enter a jail of its own. */
static const short spawner_calls[] = {
	SYS_mmap,
	SYS_mprotect,
	SYS_prlimit64,
	SYS_socketpair,
	SYS_wait4,
	SYS_waitid,
	SYS_rt_sigtimedwait,
	SYS_execve,
	SYS_close_range,
	SYS_set_robust_list,
	SYS_set_tid_address,
#ifdef SYS_rseq
	SYS_rseq,
#endif
	SYS_prctl,
	SYS_seccomp,
	444, /* landlock_create_ruleset, add_rule, restrict_self */
	445,
	446,
	SYS_setrlimit,
	SYS_getrlimit,
	SYS_kill,
	SYS_tgkill,
	SYS_setsid,
	SYS_setpgid,
	SYS_getresuid,
	SYS_getresgid,
	SYS_sigaltstack,
#ifdef SYS_fork
	SYS_fork,
	SYS_vfork,
	SYS_arch_prctl,
	SYS_pipe,
#endif
};

/* Calls whose argument decides. */
enum rule_test {
	RULE_NEVER,   /* the answer is otherwise, whatever the argument */
	RULE_NO_BITS, /* none of the bits of one */
	RULE_ONE_OF,  /* equal to one or other */
	RULE_IF,      /* equal to one; else the next rule decides */
};

struct rule {
	short call;
	unsigned char argument;
	enum rule_test test;
	uint32_t one, other;
	uint32_t otherwise;
};

#define ANSWER(error) (SECCOMP_RET_ERRNO | (error))
#define KILL          SECCOMP_RET_KILL_PROCESS

static const struct rule memory_rules[] = {
	{ SYS_mmap, 2, RULE_NO_BITS, PROT_EXEC, 0, ANSWER(EACCES) },
	{ SYS_mprotect, 2, RULE_NO_BITS, PROT_EXEC, 0, ANSWER(EACCES) },
	{ SYS_prlimit64, 0, RULE_ONE_OF, 0, 0, KILL },
};

/* libc opens time zones and the like when it feels so; it does without. */
static const struct rule fileless_rules[] = {
	{ SYS_openat, 0, RULE_NEVER, 0, 0, ANSWER(EACCES) },
};

static const struct rule client_rules[] = {
	{ SYS_socket, 0, RULE_ONE_OF, AF_INET, AF_INET6, ANSWER(EAFNOSUPPORT) },
	{ SYS_ioctl, 1, RULE_ONE_OF, FIONREAD, FIONREAD, ANSWER(ENOTTY) },
};

static const struct rule adviser_rules[] = {
	{ SYS_socket, 0, RULE_IF, AF_UNIX, 0, 0 },
};

/* The name service looks for its cache daemon first; a dot-lock names the
 * process that holds it, which may be gone. */
static const struct rule filer_rules[] = {
	{ SYS_kill, 1, RULE_ONE_OF, 0, 0, ANSWER(EPERM) },
	{ SYS_socket, 0, RULE_NEVER, 0, 0, ANSWER(EAFNOSUPPORT) },
	{ SYS_ioctl, 1, RULE_ONE_OF, FIONREAD, FIONREAD, ANSWER(ENOTTY) },
};

static const struct rule spawner_rules[] = {
	{ SYS_clone, 0, RULE_NO_BITS, NEW_NAMESPACES, 0, KILL },
	{ SYS_clone3, 0, RULE_NEVER, 0, 0, ANSWER(ENOSYS) },
	{ SYS_socket, 0, RULE_IF, AF_UNIX, 0, 0 },
	{ SYS_socket, 0, RULE_ONE_OF, AF_INET, AF_INET6, ANSWER(EAFNOSUPPORT) },
	{ SYS_ioctl, 1, RULE_ONE_OF, FIONREAD, FIONREAD, ANSWER(ENOTTY) },
};

struct program_builder {
	struct sock_filter *filter;
	size_t count;
};

static void
emit(struct program_builder *b, uint16_t code, uint32_t k, uint8_t jumps[2])
{
	BUG_UNLESS(b->count < JAIL_FILTER_MAX);
	b->filter[b->count].code = code;
	b->filter[b->count].k = k;
	b->filter[b->count].jt = jumps == NULL ? 0 : jumps[0];
	b->filter[b->count].jf = jumps == NULL ? 0 : jumps[1];
	b->count++;
}

static void
emit_jump(struct program_builder *b, uint16_t test, uint32_t k, uint8_t yes,
    uint8_t no)
{
	uint8_t jumps[2] = { yes, no };

	emit(b, BPF_JMP | test | BPF_K, k, jumps);
}

static void
emit_return(struct program_builder *b, uint32_t action)
{
	emit(b, BPF_RET | BPF_K, action, NULL);
}

static void
emit_load(struct program_builder *b, size_t offset)
{
	emit(b, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, NULL);
}

/* Calls that are allowed whatever their arguments, in ascending order. */
struct call_set {
	short calls[JAIL_CALLS_MAX];
	size_t count;
};

static void
add_calls(struct call_set *set, const short *calls, size_t count)
{
	size_t at;

	BUG_UNLESS(set->count + count <= JAIL_CALLS_MAX);
	for (size_t i = 0; i < count; i++) {
		for (at = set->count; at > 0 && set->calls[at - 1] > calls[i];
		     at--)
			set->calls[at] = set->calls[at - 1];
		set->calls[at] = calls[i];
		set->count++;
	}
}

static void
emit_ja(struct program_builder *b, size_t target)
{
	emit(b, BPF_JMP | BPF_JA, (uint32_t)(target - b->count - 1), NULL);
}

/* Instructions of a tree over count calls. */
static size_t
tree_size(size_t count)
{
	return count == 0 ? 0 : 5 * count - 2;
}

/*
 * A search tree, whose misses go on at end. When a filter is installed the
 * kernel runs it once for each call number that there is, to learn which
 * are allowed at once: a list would cost more than the rest of a jail.
 */
static void
emit_tree(
    struct program_builder *b, const short *calls, size_t count, size_t end)
{
	size_t left = count / 2;

	if (count == 0)
		return;
	if (count == 1) {
		emit_jump(b, BPF_JEQ, (uint32_t)calls[0], 0, 1);
		emit_return(b, SECCOMP_RET_ALLOW);
		emit_ja(b, end);
		return;
	}
	emit_jump(b, BPF_JGE, (uint32_t)calls[left], 0, 1);
	emit_ja(b, b->count + 1 + tree_size(left));
	emit_tree(b, calls, left, end);
	emit_tree(b, calls + left, count - left, end);
}

/* Flags, families and signals are in the low half of an argument; both
 * architectures are little endian. */
static void
emit_rule(struct program_builder *b, const struct rule *rule)
{
	size_t argument = offsetof(struct seccomp_data, args) +
			  rule->argument * sizeof(uint64_t);

	switch (rule->test) {
	case RULE_NEVER:
		emit_jump(b, BPF_JEQ, (uint32_t)rule->call, 0, 1);
		break;
	case RULE_NO_BITS:
		emit_jump(b, BPF_JEQ, (uint32_t)rule->call, 0, 4);
		emit_load(b, argument);
		emit_jump(b, BPF_JSET, rule->one, 1, 0);
		emit_return(b, SECCOMP_RET_ALLOW);
		break;
	case RULE_ONE_OF:
		emit_jump(b, BPF_JEQ, (uint32_t)rule->call, 0, 5);
		emit_load(b, argument);
		emit_jump(b, BPF_JEQ, rule->one, 1, 0);
		emit_jump(b, BPF_JEQ, rule->other, 0, 1);
		emit_return(b, SECCOMP_RET_ALLOW);
		break;
	case RULE_IF:
		emit_jump(b, BPF_JEQ, (uint32_t)rule->call, 0, 4);
		emit_load(b, argument);
		emit_jump(b, BPF_JEQ, rule->one, 0, 1);
		emit_return(b, SECCOMP_RET_ALLOW);
		emit_load(b, offsetof(struct seccomp_data, nr));
		return;
	}
	emit_return(b, rule->otherwise);
}

static void
emit_rules(struct program_builder *b, const struct rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++)
		emit_rule(b, &rules[i]);
}

#define ADD_CALLS(set, list)                                                   \
	add_calls(set, list, sizeof(list) / sizeof(*(list)))
#define EMIT_RULES(b, list) emit_rules(b, list, sizeof(list) / sizeof(*(list)))

static void
collect_calls(struct call_set *set, enum jail_calls calls)
{
	ADD_CALLS(set, pump_calls);
	switch (calls) {
	case JAIL_CALLS_SPAWNER:
		ADD_CALLS(set, spawner_calls);
		ADD_CALLS(set, client_calls);
		ADD_CALLS(set, filer_calls);
		ADD_CALLS(set, reader_calls);
		break;
	case JAIL_CALLS_MANAGER:
		ADD_CALLS(set, manager_calls);
		ADD_CALLS(set, filer_calls);
		ADD_CALLS(set, reader_calls);
		break;
	case JAIL_CALLS_FILER:
		ADD_CALLS(set, filer_calls);
		ADD_CALLS(set, reader_calls);
		break;
	case JAIL_CALLS_ADVISER:
		ADD_CALLS(set, adviser_calls);
		ADD_CALLS(set, client_calls);
		ADD_CALLS(set, reader_calls);
		break;
	case JAIL_CALLS_CLIENT:
		ADD_CALLS(set, client_calls);
		ADD_CALLS(set, reader_calls);
		break;
	case JAIL_CALLS_READER:
		ADD_CALLS(set, reader_calls);
		break;
	case JAIL_CALLS_PUMP:
	case JAIL_CALLS_ANY:
		break;
	}
}

/* The first rule for a call holds. */
static void
emit_class_rules(struct program_builder *b, enum jail_calls calls)
{
	switch (calls) {
	case JAIL_CALLS_ANY:
		break;
	case JAIL_CALLS_ADVISER:
		EMIT_RULES(b, adviser_rules);
		EMIT_RULES(b, client_rules);
		break;
	case JAIL_CALLS_CLIENT:
		EMIT_RULES(b, client_rules);
		EMIT_RULES(b, fileless_rules);
		break;
	case JAIL_CALLS_PUMP:
	case JAIL_CALLS_READER:
		EMIT_RULES(b, fileless_rules);
		break;
	case JAIL_CALLS_MANAGER:
	case JAIL_CALLS_FILER:
		EMIT_RULES(b, filer_rules);
		break;
	case JAIL_CALLS_SPAWNER:
		EMIT_RULES(b, spawner_rules);
		break;
	}
	EMIT_RULES(b, memory_rules);
}

size_t
jail_seccomp_build(enum jail_calls calls, struct sock_filter *filter)
{
	struct program_builder b = { filter, 0 };
	struct call_set set = { .count = 0 };

	if (calls == JAIL_CALLS_ANY)
		return 0;
	emit_load(&b, offsetof(struct seccomp_data, arch));
	emit_jump(&b, BPF_JEQ, JAIL_ARCHITECTURE, 1, 0);
	emit_return(&b, KILL);
	emit_load(&b, offsetof(struct seccomp_data, nr));
	emit_jump(&b, BPF_JGE, X32_CALL_BIT, 0, 1);
	emit_return(&b, KILL);
	collect_calls(&set, calls);
	emit_tree(&b, set.calls, set.count, b.count + tree_size(set.count));
	emit_class_rules(&b, calls);
	emit_return(&b, KILL);
	return b.count;
}

bool
jail_seccomp_enter(enum jail_calls calls, struct why *why)
{
	struct sock_filter filter[JAIL_FILTER_MAX];
	size_t count = jail_seccomp_build(calls, filter);
	struct sock_fprog program = { (unsigned short)count, filter };

	if (count == 0)
		return true;
#ifdef WITH_SANITIZERS
	return true;
#endif
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return why_errno(why, "system call filter");
	log_debug("no system call filters in this kernel");
	return true;
}

#else

size_t
jail_seccomp_build(enum jail_calls calls, struct sock_filter *filter)
{
	(void)calls;
	(void)filter;
	return 0;
}

bool
jail_seccomp_enter(enum jail_calls calls, struct why *why)
{
	(void)calls;
	(void)why;
	log_debug("no system call filter for this architecture");
	return true;
}

#endif
