/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum log_kind {
	LOG_TO_STDERR,
	LOG_TO_FILE,
	LOG_TO_SYSLOG
};

/* The one process-wide state of the suite: where its log goes. */
static struct {
	char program[32];
	enum log_kind kind;
	enum log_level level;
	int fd;
	pid_t pid;
} logger = { "merpati", LOG_TO_STDERR, LOG_LEVEL_INFO, STDERR_FILENO, 0 };

static int
syslog_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "/dev/log");
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) <
	    0) {
		close(fd);
		return -1;
	}
	return fd;
}

void
log_open(const char *program, const char *file, enum log_level level)
{
	int fd = -1;

	log_rename(program);
	if (logger.kind != LOG_TO_STDERR && logger.fd > STDERR_FILENO)
		close(logger.fd);
	logger.level = level;
	logger.kind = LOG_TO_STDERR;
	if (file == NULL || file[0] == '\0') {
		fd = syslog_connect();
		logger.kind = fd < 0 ? LOG_TO_STDERR : LOG_TO_SYSLOG;
	} else if (strcmp(file, "-") != 0) {
		fd = open(file,
		    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		    0640);
		logger.kind = fd < 0 ? LOG_TO_STDERR : LOG_TO_FILE;
	}
	logger.fd = fd < 0 ? STDERR_FILENO : fd;
}

void
log_rename(const char *program)
{
	snprintf(logger.program, sizeof(logger.program), "%s", program);
	logger.pid = getpid();
}

int
log_descriptor(void)
{
	return logger.fd;
}

void
log_move(int fd)
{
	if (logger.fd == fd || dup2(logger.fd, fd) < 0)
		return;
	if (logger.fd > STDERR_FILENO)
		close(logger.fd);
	logger.fd = fd;
}

static size_t
log_prefix(char *line, size_t size, enum log_level level)
{
	static const int severity[] = { 3, 4, 6, 7 };
	enum {
		FACILITY_MAIL = 2 << 3
	};
	char when[32] = "";
	struct tm tm;
	time_t now = time(NULL);
	int n;

	if (logger.kind == LOG_TO_SYSLOG)
		n = snprintf(line, size,
		    "<%d>merpati/%s[%ld]: ", FACILITY_MAIL | severity[level],
		    logger.program, (long)logger.pid);
	else {
		if (gmtime_r(&now, &tm) != NULL)
			strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
		n = snprintf(line, size, "%s merpati/%s[%ld]: ", when,
		    logger.program, (long)logger.pid);
	}
	return n < 0 ? 0 : (size_t)n;
}

static size_t
log_escape(char *out, size_t size, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;

	for (; *text != '\0' && n + 5 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c <= 0x7e) {
			out[n++] = *text;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	return n;
}

static void log_line(enum log_level level, const char *format,
    va_list arguments) __attribute__((format(printf, 2, 0)));

static void
log_line(enum log_level level, const char *format, va_list arguments)
{
	char text[LOG_LINE_MAX], line[LOG_LINE_MAX + 128];
	size_t n;
	ssize_t ignored;

	if (level > logger.level)
		return;
	vsnprintf(text, sizeof(text), format, arguments);
	n = log_prefix(line, sizeof(line), level);
	n += log_escape(line + n, sizeof(line) - n - 1, text);
	if (logger.kind == LOG_TO_SYSLOG) {
		ignored = send(logger.fd, line, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	} else {
		line[n++] = '\n';
		ignored = write(logger.fd, line, n);
	}
	(void)ignored;
}

#define LOG_FUNCTION(name, level)                                              \
	void name(const char *format, ...)                                     \
	{                                                                      \
		va_list arguments;                                             \
		va_start(arguments, format);                                   \
		log_line(level, format, arguments);                            \
		va_end(arguments);                                             \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
