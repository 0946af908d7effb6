/* SPDX-License-Identifier: ISC */
/*
 * limits - every number that bounds what a remote side can make grow.
 *
 * One row: name, value, where it comes from, what passing it answers. All
 * sizes in bytes, all times in seconds unless the name says otherwise.
 */
#ifndef COMMON_LIMITS_H
#define COMMON_LIMITS_H

/* SMTP (RFC 5321 section 4.5.3.1 gives the minima) */
#define LIMIT_SMTP_COMMAND 2048     /* 4.5.3.1.4 wants 512; 500 5.5.2 */
#define LIMIT_SMTP_AUTH_LINE 12288  /* RFC 4954 section 4; 500 5.5.6 */
#define LIMIT_SMTP_LOCAL_PART 200   /* 4.5.3.1.1 wants 64; SRS needs more */
#define LIMIT_SMTP_DOMAIN 255       /* 4.5.3.1.2; 501 5.1.2 */
#define LIMIT_SMTP_PATH 256         /* 4.5.3.1.3; 501 5.1.3 */
#define LIMIT_SMTP_RECIPIENTS 1000  /* 4.5.3.1.8 wants 100; 452 4.5.3 */
#define LIMIT_SMTP_DATA_LINE 65536  /* 4.5.3.1.6 wants 1000; 554 5.6.0 */
#define LIMIT_SMTP_ERRORS 20        /* then 421 4.7.0 */
#define LIMIT_SMTP_SOFT_ERRORS 5    /* then replies to strangers are slow */
#define LIMIT_SMTP_ERROR_DELAY 5    /* seconds, at most */
#define LIMIT_SMTP_UNKNOWN 10       /* unknown verbs, then 421 */
#define LIMIT_SMTP_REPLY_LINE 2048  /* client: longer lines are cut */
#define LIMIT_SMTP_REPLY_LINES 128  /* client: more lines end it */
#define LIMIT_SMTP_TRANSACTIONS 1000 /* per connection, then 421 */
#define LIMIT_SMTP_EXPANSION 4096   /* reply lines of EXPN; else 252 2.1.5 */
#define LIMIT_DELIVER_BY_MINIMUM 60  /* BY= with R, RFC 2852; 501 5.5.4 */
#define LIMIT_HOPS 30               /* Received fields; 554 5.4.6 */
#define LIMIT_HEADER 262144         /* header section; 552 5.3.4 */
#define LIMIT_HEADER_FIELDS 2000

/* Time (RFC 5321 section 4.5.3.2) */
#define TIMEOUT_SMTP_COMMAND 300
#define TIMEOUT_SMTP_DATA_BLOCK 180
#define TIMEOUT_SMTP_MESSAGE 1200   /* one message, beside its bytes at */
#define LIMIT_SMTP_DATA_RATE 1024   /* bytes a second; 421 4.4.2 */
#define TIMEOUT_SMTP_SESSION 7200   /* a whole connection */
#define TIMEOUT_SMTP_CONNECT 30     /* client, one address */
#define TIMEOUT_SMTP_GREETING 300   /* client, 4.5.3.2.1 */
#define TIMEOUT_SMTP_MAIL 300       /* client, 4.5.3.2.2 */
#define TIMEOUT_SMTP_RCPT 300       /* client, 4.5.3.2.3 */
#define TIMEOUT_SMTP_RESET 20       /* client, RSET of a used connection */
#define TIMEOUT_SMTP_DATA 120       /* client, 4.5.3.2.4 */
#define TIMEOUT_SMTP_END 600        /* client, 4.5.3.2.6 */
#define TIMEOUT_TLS_HANDSHAKE 60
#define TIMEOUT_PROXY 5             /* the PROXY header; then closed */
#define TIMEOUT_LOGIN 60            /* POP3 and IMAP before login */
#define TIMEOUT_POP3_COMMAND 600    /* RFC 1939 section 3 */
#define TIMEOUT_IMAP_COMMAND 1800   /* RFC 3501 section 5.4 */
#define TIMEOUT_AUTH 30
#define TIMEOUT_AUTH_DIALOGUE 120   /* auth and client, all their messages */
#define TIMEOUT_AUTH_COMMAND 20     /* checkpassword, oauth_command, PAM */
#define TIMEOUT_TOKEN 20            /* relay_token_command; T 4.7.0 */
#define TIMEOUT_PIPE 60             /* a sibling process that is silent */
#define TIMEOUT_DELIVERY 1300       /* one recipient; a command has 1000 */
#define TIMEOUT_VERIFY 330          /* a milter may take 300 */
#define TIMEOUT_VERIFY_NAMES 7      /* the name of a client; then without */
#define TIMEOUT_VERIFY_LISTS 8      /* all DNS lists, at once; then without */
#define TIMEOUT_INJECT (TIMEOUT_VERIFY + TIMEOUT_PIPE) /* enqueue */

/* Relaying: one attempt to deliver (RFC 5321 section 5.1) */
#define LIMIT_RELAY_ADDRESSES 5     /* tried */
#define LIMIT_RELAY_SESSIONS 2      /* that got as far as a greeting */
#define LIMIT_RELAY_MESSAGES 100    /* over one connection */
#define LIMIT_RELAY_REUSE 300       /* seconds a connection takes messages */
#define LIMIT_RELAY_RECIPIENTS 100  /* of one transaction, 4.5.3.1.8 */
#define LIMIT_RELAY_PIPELINE 32     /* commands in flight (RFC 2920) */
#define LIMIT_RELAY_CHUNK 262144    /* one BDAT (RFC 3030 section 2) */
#define LIMIT_RELAY_CHUNKS 8        /* of them in flight, with PIPELINING */
#define LIMIT_DNS_RECORDS 100       /* of one answer; more are not looked at */
#define LIMIT_DNS_ANSWER 65535      /* RFC 1035 section 4.2.2 */
#define LIMIT_DNS_ALIASES 8         /* CNAMEs in a row */
#define LIMIT_DNS_TTL 3600          /* an answer is kept no longer */
#define LIMIT_DNS_NEGATIVE_TTL 900  /* "no such thing": RFC 2308 section 5 */
#define LIMIT_HOSTS_FILE 1048576    /* /etc/hosts, /etc/resolv.conf */

/* PROXY protocol (HAProxy's specification, section 2); then closed */
#define LIMIT_PROXY_LINE 107        /* version 1, with CRLF */
#define LIMIT_PROXY_HEADER 4096     /* version 2, with TLVs */

/* XCLIENT and XFORWARD (Postfix); 501 5.5.4 */
#define LIMIT_CLAIM_NAME 255
#define LIMIT_CLAIM_IDENT 64

/* Authentication */
#define LIMIT_USER_NAME 255
#define LIMIT_PASSWORD 1024
#define LIMIT_AUTH_FAILURES 3       /* per connection */
#define LIMIT_SASL_RESPONSE 9216    /* decoded: RFC 4954 section 4 */
#define LIMIT_SCRAM_MESSAGE 2048    /* RFC 5802 has names and nonces in it */
#define LIMIT_SCRAM_ITERATIONS 65536 /* of new keys; RFC 7677: 4096 */
#define LIMIT_SCRAM_ITERATIONS_MAX 10000000 /* that a users file may have */
#define LIMIT_SCRAM_CLIENT_MINIMUM 4096 /* that a host may ask of us */
#define LIMIT_SCRAM_CLIENT_ITERATIONS 1000000 /* half a second; T 4.7.0 */
#define LIMIT_TOKEN 8192            /* of relay_token_command; T 4.7.0 */
#define LIMIT_APP_PASSWORDS 32      /* per user; more are not looked at */
#define LIMIT_APP_LABEL 64

/* POP3 (RFC 1939, RFC 2449 section 4) */
#define LIMIT_POP3_COMMAND 255
#define LIMIT_POP3_LOGIN_LINE 12288 /* PASS, AUTH: RFC 5034 section 4 */
#define LIMIT_POP3_ERRORS 20

/* IMAP */
#define LIMIT_IMAP_LOGIN_COMMAND 12800  /* before login: a token fits; BYE */
#define LIMIT_IMAP_COMMAND 65536        /* after login, without literals */
#define LIMIT_IMAP_LITERAL_MINUS 4096   /* RFC 7888 section 5 */
#define LIMIT_IMAP_LOGIN_LITERAL 4096
#define LIMIT_IMAP_DEPTH 32             /* parentheses */
#define LIMIT_IMAP_ERRORS 20
#define LIMIT_IMAP_SEQUENCES 4096       /* ranges in one sequence set */

/* MIME */
#define LIMIT_MIME_DEPTH 50
#define LIMIT_MIME_PARTS 5000
#define LIMIT_ADDRESSES 20000           /* in one message header */

/* Addresses and aliases */
#define LIMIT_ALIAS_DEPTH 50
#define LIMIT_ALIAS_EXPANSION 1000      /* recipients out of one address */

/* Programs talking to programs */
#define LIMIT_PIPE_MESSAGE 131072
#define LIMIT_PIPE_CHUNK 65536

/* Content filters; all are hostile, passing one is their failure */
#define LIMIT_FILTERS 8                 /* in all settings together */
#define LIMIT_FILTER_SOCKET_PATH 107    /* sockaddr_un */
#define LIMIT_FILTER_LINE 131072        /* of OpenSMTPD's protocol */
#define LIMIT_FILTER_ERRORS 4096        /* of standard error, the end kept */
#define LIMIT_FILTER_EDITS 4000         /* of one message */
#define LIMIT_MILTER_PACKET 131072      /* from a milter */
#define TIMEOUT_FILTER_CONNECT 30       /* defaults of connect=, command=, */
#define TIMEOUT_FILTER_COMMAND 30       /* message= */
#define TIMEOUT_FILTER_MESSAGE 300      /* and the most of each */
/* Memory of verify: records of 64 bytes in a file; the oldest one goes */
#define LIMIT_STATE_GREYLIST 65536
#define LIMIT_STATE_GREETINGS 65536
#define LIMIT_STATE_RATES 16384
#define LIMIT_STATE_USERS 16384
#define LIMIT_GREETING_MEMORY (30 * 86400) /* seconds a pass is known */
#define LIMIT_POLICY_REPLY 4096     /* of a policy server */

/* Spool */
#define LIMIT_SPOOL_ENVELOPE (4 * 1024 * 1024)
#define LIMIT_REPORT_ORIGINAL 10485760 /* RET=FULL, RFC 3461; else headers */
#define LIMIT_REASON 1024               /* bytes of remote text kept */

#endif
