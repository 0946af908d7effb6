/* SPDX-License-Identifier: ISC */
/*
 * memory.so: memory that is refused once.
 *
 * Preloaded into every program of a traced run. Allocations are counted by
 * program name (as the kernel has it) in a file that all of them map, which
 * MERPATI_TORTURE_MEMORY names and the harness lays out and reads
 * (memory.py): at the N-th of one name there is none, in whatever process,
 * and in a library as well as in our own code. A started program keeps
 * nothing of the environment, so execve puts both variables back.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAME_SIZE       16
#define NAMES           64
#define ENVIRONMENT_MAX 64
#define VARIABLE        "MERPATI_TORTURE_MEMORY"

struct counter {
	char name[NAME_SIZE];
	_Atomic uint32_t is_taken;
	_Atomic uint32_t count;
};

struct shared {
	char name[NAME_SIZE]; /* who is refused memory; "" nobody */
	uint32_t at;
	_Atomic uint32_t is_given;
	uint32_t unused[2];
	struct counter counters[NAMES];
};

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static struct shared *shared;
static struct counter *own;
static char name[NAME_SIZE];
static int is_in_libc;

/* The one of this name; none of the 64 is ever given back. */
static struct counter *
find_counter(void)
{
	struct counter *counter;
	uint32_t no;

	for (size_t i = 0; i < NAMES; i++) {
		counter = &shared->counters[i];
		no = 0;
		if (atomic_compare_exchange_strong(
			&counter->is_taken, &no, 1)) {
			memcpy(counter->name, name, NAME_SIZE);
			atomic_store(&counter->is_taken, 2);
			return counter;
		}
		while (atomic_load(&counter->is_taken) != 2)
			continue;
		if (memcmp(counter->name, name, NAME_SIZE) == 0)
			return counter;
	}
	return NULL;
}

static void
take_name(const char *text)
{
	memset(name, 0, sizeof(name));
	strncpy(name, text, NAME_SIZE - 1);
	own = shared == NULL ? NULL : find_counter();
}

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv(VARIABLE);
	void *memory;
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	memory = mmap(
	    NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory == MAP_FAILED)
		return;
	shared = memory;
	take_name(program_invocation_short_name);
}

static int
is_refused(void)
{
	if (own == NULL || is_in_libc > 0 ||
	    atomic_fetch_add(&own->count, 1) + 1 != shared->at ||
	    memcmp(shared->name, name, NAME_SIZE) != 0)
		return 0;
	atomic_store(&shared->is_given, 1);
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	return is_refused() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return is_refused() ? NULL : __libc_calloc(count, size);
}

/* What gets smaller is never refused by a C library. */
void *
realloc(void *old, size_t size)
{
	if (size > 0 && is_refused())
		return NULL;
	return __libc_realloc(old, size);
}

void *
reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, bytes);
}

/* glibc itself crashes when it gets no memory while it reads nsswitch.conf
 * (2.36: nss_database.c): its name service is not refused any. */
#define NAME_SERVICE(type, function, parameters, arguments)                    \
	type function parameters                                               \
	{                                                                      \
		type(*real) parameters;                                        \
		type result;                                                   \
		*(void **)&real = dlsym(RTLD_NEXT, #function);                 \
		is_in_libc++;                                                  \
		result = real arguments;                                       \
		is_in_libc--;                                                  \
		return result;                                                 \
	}

/* clang-format off */
NAME_SERVICE(struct passwd *, getpwnam, (const char *user), (user))
NAME_SERVICE(struct passwd *, getpwuid, (uid_t uid), (uid))
NAME_SERVICE(int, initgroups, (const char *user, gid_t group), (user, group))
NAME_SERVICE(struct group *, getgrnam, (const char *group), (group))
NAME_SERVICE(int, getpwnam_r,
    (const char *user, struct passwd *entry, char *text, size_t size,
	struct passwd **found),
    (user, entry, text, size, found))
NAME_SERVICE(int, getpwuid_r,
    (uid_t uid, struct passwd *entry, char *text, size_t size,
	struct passwd **found),
    (uid, entry, text, size, found))
NAME_SERVICE(int, getgrouplist,
    (const char *user, gid_t group, gid_t *groups, int *count),
    (user, group, groups, count))
NAME_SERVICE(int, getaddrinfo,
    (const char *node, const char *service, const struct addrinfo *hints,
	struct addrinfo **found),
    (node, service, hints, found))
/* clang-format on */

/* A process has a name of its own once it is forked. */
int
prctl(int option, ...)
{
	unsigned long arguments[4];
	va_list list;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		arguments[i] = va_arg(list, unsigned long);
	va_end(list);
	if (option == PR_SET_NAME)
		take_name((const char *)arguments[0]);
	return (int)syscall(SYS_prctl, option, arguments[0], arguments[1],
	    arguments[2], arguments[3]);
}

static void
add_variable(char **environment, size_t *count, const char *variable)
{
	static char texts[2][512];
	const char *value = getenv(variable);
	char *text = texts[*count % 2];

	if (value == NULL || *count >= ENVIRONMENT_MAX)
		return;
	snprintf(text, sizeof(texts[0]), "%s=%s", variable, value);
	environment[(*count)++] = text;
}

int
execve(const char *path, char *const arguments[], char *const given[])
{
	char *environment[ENVIRONMENT_MAX + 1];
	size_t count = 0;

	for (; given[count] != NULL && count < ENVIRONMENT_MAX - 2; count++)
		environment[count] = given[count];
	if (shared != NULL) {
		add_variable(environment, &count, "LD_PRELOAD");
		add_variable(environment, &count, VARIABLE);
	}
	environment[count] = NULL;
	return (int)syscall(SYS_execve, path, arguments, environment);
}
