/* SPDX-License-Identifier: ISC */
/*
 * control - the two FIFOs: ids of new messages, and commands of mailq.
 *
 * Both are read without waiting; a line is acted upon when it is whole. An
 * id may be lost (the FIFO was full, qmgr was not running): the rescan finds
 * the message. A command is lost only when qmgr is not running, and then
 * mailq does its work itself.
 */
#ifndef QUEUE_CONTROL_H
#define QUEUE_CONTROL_H

#include "queue/manager.h"

void control_read_trigger(struct manager *manager);
void control_read_commands(struct manager *manager);
/* Resume the destinations whose pause is over. */
void control_end_pauses(struct manager *manager);

#endif
