/* SPDX-License-Identifier: ISC */
/*
 * login_io - runs login.h on the descriptors of front.h, inside the jail.
 */
#ifndef IMAPD_LOGIN_IO_H
#define IMAPD_LOGIN_IO_H

#include "common/front.h"

/* A session_fn. */
int login_io_run(const struct connection *connection);

#endif
