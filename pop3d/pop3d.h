/* SPDX-License-Identifier: ISC */
/*
 * pop3d - the login half of POP3: a front (root) and its jailed session.
 *
 * After login the front becomes the user and executes pop3d-mailbox
 * (session.h); the session hands over its unread input and ends.
 */
#ifndef POP3D_POP3D_H
#define POP3D_POP3D_H

#include "common/front.h"
#include "common/programs.h"

extern const struct front pop3d_front;

#endif
