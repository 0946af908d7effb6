/* SPDX-License-Identifier: ISC */
/*
 * log - one line per event, to syslog (facility mail), a file or stderr.
 *
 * log_open is called once by main, before any jail: it opens the descriptor
 * through which log_* writes with a single write or send, so it works in an
 * empty chroot under a system call filter. Bytes outside 0x20 to 0x7e are
 * escaped once, here. Passwords and message bodies are never logged. A line
 * is cut at LOG_LINE_MAX bytes. Key names are Postfix's where they exist:
 * "ID: from=<a@b>, size=N, nrcpt=N".
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>

#define LOG_LINE_MAX 2048

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG };

/* file: NULL or "" for syslog, "-" for stderr, else a path, appended to.
 * When syslog cannot be reached lines go to stderr. program: "smtpd". */
void log_open(const char *program, const char *file, enum log_level level);
/* Name a later part of the same process, after a fork: "enqueue". */
void log_rename(const char *program);
/* The descriptor that must stay open across a jail; -1 for none. */
int log_descriptor(void);
/* Let the log be descriptor fd from now on, and leave fd open across exec:
 * a front puts it on 2, where every program that it starts finds it. */
void log_move(int fd);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
