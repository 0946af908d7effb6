/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/fsutil.h"
#include "common/jail_seccomp.h"
#include "common/log.h"

#include "tests/unit/unit.h"

static void
every_row_is_found_and_sane(void **state)
{
	(void)state;
	for (const struct jail *j = jail_table; j->name != NULL; j++) {
		assert_ptr_equal(jail_find(j->name), j);
		assert_true(j->descriptors >= 8);
		if (j->calls == JAIL_CALLS_PUMP) {
			assert_int_equal(j->paths, JAIL_PATHS_NONE);
			assert_int_equal(j->processes, 0);
			assert_int_equal(j->file_size, 0);
			assert_true(j->memory > 0);
			/* A relay is not root when it starts its own. */
			assert_true(j->has_chroot ||
				    strcmp(j->account, "_mprelay") == 0);
		}
		if (j->account != NULL)
			assert_memory_equal(j->account, "_mp", 3);
	}
	assert_null(jail_find("nobody"));
}

static const char *
number_text(uint64_t value, char *text, bool zero_is_unlimited)
{
	if (value == JAIL_UNLIMITED || (zero_is_unlimited && value == 0))
		return "-";
	snprintf(text, 32, "%" PRIu64, value);
	return text;
}

static void
the_readme_has_the_same_table(void **state)
{
	static const char *const calls[] = { "any", "pump", "reader", "client",
		"adviser", "filer", "manager", "spawner" };
	static const char *const paths[] = { "any", "none", "listed" };
	const char *source = getenv("srcdir");
	char path[1024], line[512], n[5][32];
	struct buf text;

	(void)state;
	buf_init(&text, 65536);
	snprintf(path, sizeof(path), "%s/common/README.md",
	    source == NULL ? "." : source);
	assert_true(fs_read_file(AT_FDCWD, path, &text, NULL));
	for (const struct jail *j = jail_table; j->name != NULL; j++) {
		snprintf(line, sizeof(line),
		    "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n",
		    j->name, j->account == NULL ? "the user" : j->account,
		    j->has_chroot ? "yes" : "no", calls[j->calls],
		    paths[j->paths], number_text(j->memory >> 20, n[0], true),
		    number_text(j->cpu, n[1], true),
		    number_text(j->file_size, n[2], false),
		    number_text(j->processes, n[3], false),
		    number_text(j->descriptors, n[4], false));
		if (slice_find(buf_slice(&text), slice_of(line)) == text.len)
			fail_msg("README.md has no line: %s", line);
	}
	buf_free(&text);
}

/* What a filter says to a call: the kernel's machine, as far as we use it.
 * Every jump goes forward, so it ends. */
static uint32_t
filter_run(const struct sock_filter *filter, size_t count,
    const struct seccomp_data *call)
{
	uint32_t value = 0;

	for (size_t at = 0; at < count; at++) {
		const struct sock_filter *f = &filter[at];

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(f->k + 4 <= sizeof(*call));
			memcpy(&value, (const char *)call + f->k, 4);
			break;
		case BPF_JMP | BPF_JA:
			at += f->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			at += value == f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			at += value >= f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			at += (value & f->k) != 0 ? f->jt : f->jf;
			break;
		case BPF_RET | BPF_K:
			return f->k;
		default:
			fail_msg("instruction %u", f->code);
		}
	}
	fail_msg("the filter has no end");
	return 0;
}

#define ALLOW     SECCOMP_RET_ALLOW
#define KILL      SECCOMP_RET_KILL_PROCESS
#define ANSWER(e) (SECCOMP_RET_ERRNO | (e))

static const struct filter_case {
	enum jail_calls calls;
	int call;
	unsigned long argument;
	int value;
	uint32_t action;
} filter_cases[] = {
	{ JAIL_CALLS_PUMP, SYS_read, 0, 0, ALLOW },
	{ JAIL_CALLS_PUMP, SYS_exit_group, 0, 0, ALLOW },
	{ JAIL_CALLS_PUMP, SYS_openat, 0, 0, ANSWER(EACCES) },
	{ JAIL_CALLS_PUMP, SYS_socket, 0, AF_INET, KILL },
	{ JAIL_CALLS_PUMP, SYS_execve, 0, 0, KILL },
	{ JAIL_CALLS_PUMP, SYS_clone, 0, 0, KILL },
	{ JAIL_CALLS_PUMP, SYS_ptrace, 0, 0, KILL },
	{ JAIL_CALLS_PUMP, SYS_kill, 1, 0, KILL },
	{ JAIL_CALLS_PUMP, SYS_mmap, 2, PROT_READ | PROT_WRITE, ALLOW },
	{ JAIL_CALLS_PUMP, SYS_mmap, 2, PROT_EXEC, ANSWER(EACCES) },
	{ JAIL_CALLS_PUMP, SYS_mprotect, 2, PROT_EXEC, ANSWER(EACCES) },
	{ JAIL_CALLS_PUMP, SYS_prlimit64, 0, 0, ALLOW },
	{ JAIL_CALLS_PUMP, SYS_prlimit64, 0, 1, KILL },
	{ JAIL_CALLS_PUMP, SYS_pread64, 0, 0, KILL },
	{ JAIL_CALLS_READER, SYS_pread64, 0, 0, ALLOW },
	{ JAIL_CALLS_READER, SYS_openat, 0, 0, ANSWER(EACCES) },
	{ JAIL_CALLS_CLIENT, SYS_socket, 0, AF_INET, ALLOW },
	{ JAIL_CALLS_CLIENT, SYS_socket, 0, AF_INET6, ALLOW },
	{ JAIL_CALLS_CLIENT, SYS_socket, 0, AF_UNIX, ANSWER(EAFNOSUPPORT) },
	{ JAIL_CALLS_CLIENT, SYS_socket, 0, AF_PACKET, ANSWER(EAFNOSUPPORT) },
	{ JAIL_CALLS_CLIENT, SYS_openat, 0, 0, ANSWER(EACCES) },
	{ JAIL_CALLS_CLIENT, SYS_execve, 0, 0, KILL },
	{ JAIL_CALLS_ADVISER, SYS_socket, 0, AF_INET, ALLOW },
	{ JAIL_CALLS_ADVISER, SYS_socket, 0, AF_UNIX, ALLOW },
	{ JAIL_CALLS_ADVISER, SYS_socket, 0, AF_NETLINK, ANSWER(EAFNOSUPPORT) },
	{ JAIL_CALLS_ADVISER, SYS_openat, 0, 0, ALLOW },
	{ JAIL_CALLS_ADVISER, SYS_renameat, 0, 0, KILL },
	{ JAIL_CALLS_ADVISER, SYS_execve, 0, 0, KILL },
	{ JAIL_CALLS_ADVISER, SYS_kill, 1, 0, KILL },
	{ JAIL_CALLS_FILER, SYS_openat, 0, 0, ALLOW },
	{ JAIL_CALLS_FILER, SYS_fsync, 0, 0, ALLOW },
	{ JAIL_CALLS_FILER, SYS_socket, 0, AF_UNIX, ANSWER(EAFNOSUPPORT) },
	{ JAIL_CALLS_FILER, SYS_connect, 0, 0, KILL },
	{ JAIL_CALLS_FILER, SYS_kill, 1, 0, ALLOW },
	{ JAIL_CALLS_FILER, SYS_kill, 1, SIGTERM, ANSWER(EPERM) },
	{ JAIL_CALLS_MANAGER, SYS_kill, 1, 0, ALLOW },
	{ JAIL_CALLS_MANAGER, SYS_kill, 1, SIGTERM, ANSWER(EPERM) },
	{ JAIL_CALLS_MANAGER, SYS_openat, 0, 0, ALLOW },
	{ JAIL_CALLS_MANAGER, SYS_clone, 0, 0, KILL },
	{ JAIL_CALLS_SPAWNER, SYS_execve, 0, 0, ALLOW },
	{ JAIL_CALLS_SPAWNER, SYS_clone, 0, SIGCHLD, ALLOW },
	{ JAIL_CALLS_SPAWNER, SYS_clone, 0, CLONE_NEWUSER, KILL },
	{ JAIL_CALLS_SPAWNER, SYS_clone3, 0, 0, ANSWER(ENOSYS) },
	{ JAIL_CALLS_SPAWNER, SYS_mmap, 2, PROT_EXEC, ALLOW },
	{ JAIL_CALLS_SPAWNER, SYS_socket, 0, AF_UNIX, ALLOW },
	{ JAIL_CALLS_SPAWNER, SYS_socket, 0, AF_INET6, ALLOW },
	{ JAIL_CALLS_SPAWNER, SYS_socket, 0, AF_NETLINK, ANSWER(EAFNOSUPPORT) },
	{ JAIL_CALLS_SPAWNER, SYS_ptrace, 0, 0, KILL },
	{ JAIL_CALLS_SPAWNER, SYS_mount, 0, 0, KILL },
	{ JAIL_CALLS_SPAWNER, SYS_bpf, 0, 0, KILL },
};

static void
every_class_answers_as_its_table_says(void **state)
{
	struct sock_filter filter[JAIL_FILTER_MAX];
	struct seccomp_data call;
	uint32_t action;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(filter_cases) / sizeof(filter_cases[0]);
	     i++) {
		const struct filter_case *c = &filter_cases[i];

		n = jail_seccomp_build(c->calls, filter);
		if (n == 0)
			skip();
		memset(&call, 0, sizeof(call));
		memcpy(&call.arch, &filter[1].k, sizeof(call.arch));
		call.nr = c->call;
		call.args[c->argument] = (unsigned int)c->value;
		action = filter_run(filter, n, &call);
		if (action != c->action)
			fail_msg(
			    "class %d, call %d: %x", c->calls, c->call, action);
		call.arch++;
		assert_int_equal(filter_run(filter, n, &call), KILL);
	}
}

/* No number, known or not, falls out of a filter. */
static void
every_call_number_gets_an_answer(void **state)
{
	static const int bands[] = { 0, 512, 1024, 0x40000000 };
	struct sock_filter filter[JAIL_FILTER_MAX];
	struct seccomp_data call = { 0 };
	uint32_t action;
	size_t n;

	(void)state;
	assert_int_equal(jail_seccomp_build(JAIL_CALLS_ANY, filter), 0);
	for (int c = JAIL_CALLS_PUMP; c <= JAIL_CALLS_SPAWNER; c++) {
		n = jail_seccomp_build((enum jail_calls)c, filter);
		if (n == 0)
			skip();
		memcpy(&call.arch, &filter[1].k, sizeof(call.arch));
		for (size_t band = 0; band < 4; band++) {
			for (int i = 0; i < 512; i++) {
				call.nr = bands[band] + i;
				action = filter_run(filter, n, &call);
				assert_true(band == 0 || action == KILL);
			}
		}
	}
}

/* What a jailed process tries. True: it worked, which is a failure here. */
static bool
opens_a_file(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool
creates_a_file(void)
{
	return open("/tmp/merpati-jail-test", O_CREAT | O_RDWR, 0600) >= 0;
}

static bool
makes_a_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool
forks(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool
executes(void)
{
	char name[] = "true";
	char *arguments[] = { name, NULL };

	execve("/bin/true", arguments, NULL);
	return false;
}

static bool
traces(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
}

static bool
signals_the_parent(void)
{
	return kill(getppid(), 0) == 0;
}

static bool
becomes_root(void)
{
	return setuid(0) == 0 && getuid() == 0;
}

static bool
maps_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool
raises_a_limit(void)
{
	struct rlimit limit = { 1024, 1024 };

	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static bool
finds_an_open_descriptor(void)
{
	return write(5, "x", 1) == 1;
}

static const struct attempt {
	const char *what;
	bool (*run)(void);
	bool needs_filter; /* nothing but the filter forbids it to anybody */
	bool needs_root;   /* only the uid forbids it */
} attempts[] = {
	{ "opens a file", opens_a_file, true, false },
	{ "creates a file", creates_a_file, true, false },
	{ "makes a socket", makes_a_socket, true, false },
	{ "forks", forks, false, false },
	{ "executes", executes, true, false },
	{ "traces", traces, true, false },
	{ "signals the parent", signals_the_parent, true, false },
	{ "becomes root", becomes_root, false, true },
	{ "maps code", maps_code, true, false },
	{ "raises a limit", raises_a_limit, false, false },
	{ "finds an open descriptor", finds_an_open_descriptor, false, false },
};

static bool
has_filters(void)
{
#ifdef WITH_SANITIZERS
	return false;
#else
	struct sock_filter filter[JAIL_FILTER_MAX];

	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0 &&
	       jail_seccomp_build(JAIL_CALLS_PUMP, filter) > 0;
#endif
}

_Noreturn static void
jailed_child(const struct attempt *attempt, const char *empty)
{
	struct jail jail = *jail_find("smtpd-session");
	struct jail_request request = { .keep_count = 3 };
	struct settings settings = { 0 };
	char *directory = strdup(empty);
	struct why why;

	jail.account = "nobody";
	settings.empty_directory = directory;
	dup2(STDERR_FILENO, 5);
	if (!jail_enter(&jail, &settings, &request, &why)) {
		fprintf(stderr, "%s\n", why.text);
		_exit(99);
	}
	_exit(attempt->run() ? 1 : 0);
}

static void
a_jailed_process_can_do_nothing_forbidden(void **state)
{
	char empty[] = "/tmp/merpati-jail-XXXXXX";
	int status;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(empty));
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		if ((attempts[i].needs_filter && !has_filters()) ||
		    (attempts[i].needs_root && getuid() != 0))
			continue;
		pid = fork();
		if (pid == 0)
			jailed_child(&attempts[i], empty);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
			fail_msg("a jailed process %s (code %d)",
			    attempts[i].what, WEXITSTATUS(status));
		if (WIFSIGNALED(status))
			assert_int_equal(WTERMSIG(status), SIGSYS);
	}
	rmdir(empty);
}

/* What the pump class is for still works behind every wall. */
static void
a_jailed_process_can_pump_and_log(void **state)
{
	struct jail jail = *jail_find("smtpd-session");
	struct jail_request request = { .keep_count = 3 };
	char empty[] = "/tmp/merpati-jail-XXXXXX";
	struct settings settings = { .empty_directory = empty };
	struct timespec pause = { .tv_nsec = 1000 };
	struct why why;
	int ends[2], status;
	char bytes[8] = "";
	pid_t pid;

	(void)state;
	jail.account = "nobody";
	assert_non_null(mkdtemp(empty));
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		if (!jail_enter(&jail, &settings, &request, &why))
			_exit(99);
		log_debug("not shown");
		nanosleep(&pause, NULL);
		free(malloc(1 << 20));
		_exit(write(STDOUT_FILENO, "hello", 5) == 5 ? 0 : 1);
	}
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(ends[0], bytes, sizeof(bytes)), 5);
	assert_string_equal(bytes, "hello");
	close(ends[0]);
	rmdir(empty);
}

static void
root_is_no_user_to_become(void **state)
{
	struct why why = { 0 };

	(void)state;
	if (getuid() != 0)
		skip();
	assert_false(jail_become(0, 100, NULL, &why));
	assert_false(jail_become(100, 0, NULL, &why));
	assert_int_equal(getuid(), 0);
}

static void
an_account_that_is_missing_is_named(void **state)
{
	struct jail jail = {
		.name = "test", .account = "_mp-none", .descriptors = 16
	};
	struct jail_request request = { .keep_count = 3 };
	struct settings settings = { 0 };
	struct why why = { 0 };
	int status;
	pid_t pid;

	(void)state;
	if (getuid() != 0)
		skip();
	pid = fork();
	if (pid == 0)
		_exit(!jail_enter(&jail, &settings, &request, &why) &&
			      strstr(why.text, "_mp-none") != NULL
			  ? 0
			  : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_found_and_sane),
		cmocka_unit_test(the_readme_has_the_same_table),
		cmocka_unit_test(every_class_answers_as_its_table_says),
		cmocka_unit_test(every_call_number_gets_an_answer),
		cmocka_unit_test(a_jailed_process_can_do_nothing_forbidden),
		cmocka_unit_test(a_jailed_process_can_pump_and_log),
		cmocka_unit_test(root_is_no_user_to_become),
		cmocka_unit_test(an_account_that_is_missing_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
