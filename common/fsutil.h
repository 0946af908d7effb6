/* SPDX-License-Identifier: ISC */
/*
 * fsutil - durable file helpers.
 *
 * fs_replace writes path.tmp.PID, fsyncs it, renames it over path and fsyncs
 * the directory: after true the new content survives a power cut, after
 * false the old content is still there. All paths may be relative to dirfd.
 */
#ifndef COMMON_FSUTIL_H
#define COMMON_FSUTIL_H

#include <stdbool.h>
#include <sys/stat.h>

#include "common/buf.h"
#include "common/result.h"
#include "common/slice.h"

/* Append the file to out, at most its ceiling. */
bool
fs_read_file(int dirfd, const char *path, struct buf *out, struct why *why);
/* Only a regular file that not everybody may write. */
bool fs_read_guarded(const char *path, struct buf *out, struct why *why);
bool fs_read_fd(int fd, struct buf *out, struct why *why);
bool fs_replace(int dirfd, const char *path, struct slice content, mode_t mode,
    struct why *why);
/* Write all of s at the end of fd (or at offset); short writes go on. */
bool fs_write_all(int fd, struct slice s, struct why *why);
bool fs_write_at(int fd, struct slice s, off_t offset, struct why *why);
/* length bytes from offset on; a file that ends before is an error. */
bool fs_read_at(
    int fd, char *bytes, size_t length, uint64_t offset, struct why *why);
/* fsync a directory; EINVAL ("not supported here") is success. */
bool fs_sync_directory(int dirfd);
/* mkdir -p, mode for those it makes. */
bool fs_make_directories(const char *path, mode_t mode, struct why *why);
/* Exclusive (or shared) fcntl lock on the whole file; waits until deadline
 * (io.h). Released by closing any descriptor of the file. */
bool fs_lock(int fd, bool exclusive, int64_t deadline);

/* What a file was, for fs_is_same: all zero when it is not there. path may be
 * NULL or "". */
void fs_note(const char *path, struct stat *status);
/* Is it still the file, with the content, that it was? */
bool fs_is_same(const struct stat *a, const struct stat *b);

#endif
