/* SPDX-License-Identifier: ISC */
/*
 * settings_text - the text of mail.conf(5), line by line.
 *
 * Grammar: "name = value"; "program.name = value" counts for one program
 * only and wins over the plain name wherever it stands; "include = PATH" (16
 * deep at most); "#" at the start of a line; indented lines continue.
 * "$hostname" and "$domain" in a value are those of the same file, wherever
 * they stand. Every error becomes one text in errors.
 */
#ifndef COMMON_SETTINGS_TEXT_H
#define COMMON_SETTINGS_TEXT_H

#include "common/settings.h"
#include "common/slice.h"

void settings_text_load(struct settings *settings, const char *path,
    const char *program, struct settings_errors *errors);
/* The same from memory; name is for messages. For tests and the fuzzer. */
void settings_text_parse(struct settings *settings, struct slice text,
    const char *name, const char *program, struct settings_errors *errors);
/* line 0: no line. */
void settings_error(struct settings_errors *errors, const char *file,
    size_t line, const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
