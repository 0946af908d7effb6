/* SPDX-License-Identifier: ISC */
/*
 * pickup - from spool/drop into the queue, through enqueue.
 *
 * Takes every whole file of spool/drop once: opens it without following
 * links, insists on a regular file of one name, believes nothing of it but
 * its owner (fstat), and injects it with the facts "local, uid". The queue
 * id is made from the file (pickup_id), so that a file which was injected
 * before a crash is found again and not sent twice. Refused recipients come
 * back to the owner as one readable message. What is no drop file goes to
 * spool/bad. Temporary failures leave the file where it is.
 */
#ifndef QUEUE_PICKUP_H
#define QUEUE_PICKUP_H

#include <stdbool.h>
#include <sys/stat.h>

#include "common/program.h"
#include "common/settings.h"
#include "common/spoolfile.h"

program_fn pickup_program;

/* The starter of verify (verify_start.h), where there is one. */
#define PICKUP_STARTER 3

/* One pass. False: it could not begin, or enqueue did not answer. starter:
 * -1, none: nothing is taken where the settings need verify. */
bool pickup_run(
    const struct settings *settings, int starter, struct why *why);
/* The time of the file's last change, and a sum of its name, owner and
 * inode. */
void
pickup_id(const char *name, const struct stat *status, char id[SPOOL_ID_SIZE]);

#endif
