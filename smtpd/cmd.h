/* SPDX-License-Identifier: ISC */
/*
 * cmd - handlers and checks of the command table, and what the session calls
 * when their answers come. One cmd_*.c file per group.
 */
#ifndef SMTPD_CMD_H
#define SMTPD_CMD_H

#include "smtpd/command.h"
#include "smtpd/parameter.h"

/* cmd_hello.c */
command_fn cmd_helo, cmd_ehlo, cmd_smtp_noop, cmd_rset, cmd_quit, cmd_help;
command_check_fn check_smtp, check_lmtp;
/* cmd_tls.c */
command_fn cmd_starttls;
command_check_fn check_starttls;
/* cmd_xclient.c */
command_fn cmd_xclient, cmd_xforward;
command_check_fn check_xclient, check_xforward;
/* What XFORWARD said is for a message that will not come. */
void forward_forget(struct session *session);
/* What XCLIENT said to the session before this one. */
void claim_begin(struct session *session);
/* cmd_auth.c */
command_fn cmd_auth;
command_check_fn check_auth, check_login;
void
auth_line(struct session *session, enum line_status status, struct slice line);
/* cmd_mail.c */
command_fn cmd_mail, cmd_rcpt;
void mail_answered(struct session *session, const struct inject_reply *reply);
void rcpt_answered(struct session *session, const struct inject_reply *reply);
/* False: what was wrong is answered. */
bool mail_take_parameters(struct session *session,
    const struct parameter *table, struct slice text);
bool mail_may_have_utf8(struct session *session, struct slice address);
/* cmd_vrfy.c */
command_fn cmd_vrfy, cmd_expn;
command_check_fn check_expn;
void vrfy_answered(struct session *session, const struct inject_reply *reply);
void expn_answered(struct session *session, const struct inject_reply *reply);
/* cmd_etrn.c */
command_fn cmd_etrn;
command_check_fn check_etrn;
void etrn_answered(struct session *session, const struct inject_reply *reply);
/* cmd_data.c */
command_fn cmd_data;
void data_answered(struct session *session, const struct inject_reply *reply);
void end_answered(struct session *session, const struct inject_reply *reply);
/* Forget the message before; before its first byte. */
void data_begin(struct session *session);
/* Room in chunk; false: it is given out first. */
bool data_has_room(struct session *session);
/* After each piece: is there still a message to take? */
void data_check(struct session *session);
/* All of it was seen: the end for enqueue, or why it was refused. */
void data_done(struct session *session);
/* Take message bytes. */
void data_feed(struct session *session, struct slice *input);
/* The client is gone or silent in the middle: the reply that helps. */
void data_cut(struct session *session, struct reply reply);
/* cmd_bdat.c */
command_fn cmd_bdat;
void bdat_answered(struct session *session, const struct inject_reply *reply);
void bdat_feed(struct session *session, struct slice *input);

#endif
