/* SPDX-License-Identifier: ISC */
/*
 * cmd - handlers and checks of the command table, and what the session calls
 * when their answers come. One cmd_*.c file per group.
 */
#ifndef SMTPD_CMD_H
#define SMTPD_CMD_H

#include "smtpd/command.h"

/* cmd_hello.c */
command_fn cmd_helo, cmd_ehlo, cmd_smtp_noop, cmd_rset, cmd_quit, cmd_help;
/* cmd_tls.c */
command_fn cmd_starttls;
command_check_fn check_starttls;
/* cmd_auth.c */
command_fn cmd_auth;
command_check_fn check_auth, check_login;
void
auth_line(struct session *session, enum line_status status, struct slice line);
/* cmd_mail.c */
command_fn cmd_mail, cmd_rcpt, cmd_vrfy;
void mail_answered(struct session *session, const struct inject_reply *reply);
void rcpt_answered(struct session *session, const struct inject_reply *reply);
void vrfy_answered(struct session *session, const struct inject_reply *reply);
/* cmd_data.c */
command_fn cmd_data;
void data_answered(struct session *session, const struct inject_reply *reply);
void end_answered(struct session *session, const struct inject_reply *reply);
/* Take message bytes. */
void data_feed(struct session *session, struct slice *input);
/* The client is gone or silent in the middle: the reply that helps. */
void data_cut(struct session *session, struct reply reply);

#endif
