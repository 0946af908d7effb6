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
#define LIMIT_SMTP_UNKNOWN 10       /* unknown verbs, then 421 */
#define LIMIT_SMTP_REPLY_LINE 2048  /* client: longer lines are cut */
#define LIMIT_SMTP_REPLY_LINES 128  /* client: more lines end it */
#define LIMIT_SMTP_TRANSACTIONS 1000 /* per connection, then 421 */
#define LIMIT_HOPS 30               /* Received fields; 554 5.4.6 */
#define LIMIT_HEADER 262144         /* header section; 552 5.3.4 */
#define LIMIT_HEADER_FIELDS 2000

/* Time (RFC 5321 section 4.5.3.2) */
#define TIMEOUT_SMTP_COMMAND 300
#define TIMEOUT_SMTP_DATA_BLOCK 180
#define TIMEOUT_SMTP_SESSION 7200   /* a whole connection */
#define TIMEOUT_SMTP_CONNECT 30     /* client, one address */
#define TIMEOUT_SMTP_DATA 120       /* client, 4.5.3.2.4 */
#define TIMEOUT_SMTP_END 600        /* client, 4.5.3.2.6 */
#define TIMEOUT_TLS_HANDSHAKE 60
#define TIMEOUT_LOGIN 60            /* POP3 and IMAP before login */
#define TIMEOUT_POP3_COMMAND 600    /* RFC 1939 section 3 */
#define TIMEOUT_IMAP_COMMAND 1800   /* RFC 3501 section 5.4 */
#define TIMEOUT_AUTH 30
#define TIMEOUT_PIPE 60             /* a sibling process that is silent */

/* Relaying: one attempt to deliver (RFC 5321 section 5.1) */
#define LIMIT_RELAY_ADDRESSES 5     /* tried */
#define LIMIT_RELAY_SESSIONS 2      /* that got as far as a greeting */
#define LIMIT_RELAY_MESSAGES 100    /* over one connection */
#define LIMIT_RELAY_REUSE 300       /* seconds a connection takes messages */
#define LIMIT_RELAY_PIPELINE 32     /* commands in flight (RFC 2920) */
#define LIMIT_DNS_RECORDS 100       /* of one answer; more are not looked at */
#define LIMIT_DNS_ANSWER 65535      /* RFC 1035 section 4.2.2 */
#define LIMIT_DNS_ALIASES 8         /* CNAMEs in a row */
#define LIMIT_DNS_TTL 3600          /* an answer is kept no longer */
#define LIMIT_HOSTS_FILE 1048576    /* /etc/hosts, /etc/resolv.conf */

/* Authentication */
#define LIMIT_USER_NAME 255
#define LIMIT_PASSWORD 1024
#define LIMIT_AUTH_FAILURES 3       /* per connection */

/* POP3 (RFC 1939, RFC 2449 section 4) */
#define LIMIT_POP3_COMMAND 255
#define LIMIT_POP3_LOGIN_LINE 2560 /* PASS, AUTH: as long as a password */
#define LIMIT_POP3_ERRORS 20

/* IMAP */
#define LIMIT_IMAP_LOGIN_COMMAND 8192   /* before login; BYE */
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

/* Spool */
#define LIMIT_SPOOL_ENVELOPE (4 * 1024 * 1024)
#define LIMIT_REASON 1024               /* bytes of remote text kept */

#endif
