/*
 * The whole conversation of the suite.
 *
 * A row: name, number on the wire, who may send it, who may receive it, how
 * many descriptors go with it at least and at most, and the greatest size of
 * its body in octets.  All of that is checked before any handler runs.  The
 * fields stand in the header of the interface, named above its rows; numbers
 * are never used again for another meaning.
 *
 * "Answered by" speaks of the request id in the message's head: the answer
 * carries the id of what it answers.
 */
#ifndef COMMON_IPC_MESSAGES_H
#define COMMON_IPC_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/ipc/roles.h"

#define IPC_STAGES (~IPC_BIT(IPC_SUPERVISOR) & ~IPC_BIT(IPC_CONTROL))
#define IPC_SMTPDS \
	(IPC_BIT(IPC_SMTPD) | IPC_BIT(IPC_SUBMIT) | IPC_BIT(IPC_LMTP))
/* Who asks resolver. */
#define IPC_DNS_CLIENTS (IPC_BIT(IPC_SMTPD) | IPC_BIT(IPC_REMOTE_RELAY))
/* Who hands mail in; local-delivery what it forwards. */
#define IPC_SENDERS (IPC_SMTPDS | IPC_BIT(IPC_LOCAL_DELIVERY))
#define IPC_GATES (IPC_BIT(IPC_POP3D) | IPC_BIT(IPC_IMAPD))
/* Who serves TLS: holds certificates, and asks tlskeyd for signatures. */
#define IPC_TLS_SERVERS (IPC_SMTPDS | IPC_GATES)
/* Who shows certificates as a client, and asks for signatures, too. */
#define IPC_TLS_CLIENTS IPC_BIT(IPC_REMOTE_RELAY)
#define IPC_TLS_USERS (IPC_TLS_SERVERS | IPC_TLS_CLIENTS)
/* Who asks authd about clients: never the smtpd of port 25. */
#define IPC_LOGINS (IPC_GATES | IPC_BIT(IPC_SUBMIT))
#define IPC_SESSIONS (IPC_BIT(IPC_POP3D_SESSION) | IPC_BIT(IPC_IMAPD_SESSION))

#define IPC_MESSAGES(X)                                                        \
	/* ---- supervisor and its stages: common/ipc/stage.h ---- */          \
	/* Two read-only descriptors: bulkhead.conf and the stage's own        \
	 * file; the body is the host's name.  Effect with STAGE_COMMIT. */    \
	X(STAGE_SETTINGS, 1, IPC_BIT(IPC_SUPERVISOR), IPC_STAGES, 2, 2, 256)   \
	/* One lookup table, read-only; effect with STAGE_COMMIT. */           \
	X(STAGE_TABLE, 2, IPC_BIT(IPC_SUPERVISOR), IPC_STAGES, 1, 1, 64)       \
	/* A bound and listening socket, with the name of its block. */        \
	X(STAGE_LISTENER, 3, IPC_BIT(IPC_SUPERVISOR), IPC_STAGES, 1, 1, 256)   \
	/* One end of a fresh channel to the peer that it names. */            \
	X(STAGE_CHANNEL, 4, IPC_BIT(IPC_SUPERVISOR), IPC_STAGES, 1, 1, 64)     \
	/* A new descriptor for log lines. */                                  \
	X(STAGE_LOG, 5, IPC_BIT(IPC_SUPERVISOR), IPC_STAGES, 1, 1, 16)         \
	/* Use what came since the last one, whole.  Answered by               \
	 * STAGE_READY or STAGE_REFUSED. */                                    \
	X(STAGE_COMMIT, 6, IPC_BIT(IPC_SUPERVISOR), IPC_STAGES, 0, 0, 16)      \
	X(STAGE_READY, 7, IPC_STAGES, IPC_BIT(IPC_SUPERVISOR), 0, 0, 16)       \
	/* The new settings or tables do not do; the old stay in use (a        \
	 * stage that has none yet exits). */                                  \
	X(STAGE_REFUSED, 8, IPC_STAGES, IPC_BIT(IPC_SUPERVISOR), 0, 0, 16)     \
	/* Finish what is under way and exit. */                               \
	X(STAGE_STOP, 9, IPC_BIT(IPC_SUPERVISOR), IPC_STAGES, 0, 0, 16)        \
	/* A list of targets that the table of aliases may include: the body   \
	 * is its name.  Before the table; effect with STAGE_COMMIT. */        \
	X(STAGE_LIST, 11, IPC_BIT(IPC_SUPERVISOR), IPC_BIT(IPC_DIRECTORY), 1,  \
	    1, 64)                                                             \
	/* The channel to a peer has ended; the body names it as               \
	 * STAGE_CHANNEL did.  Where both still live they get a new one. */    \
	X(STAGE_CHANNEL_LOST, 10, IPC_STAGES, IPC_BIT(IPC_SUPERVISOR), 0, 0,   \
	    64)                                                                \
	/* ---- sessions and workers: common/ipc/start.h ---- */               \
	/* A gate asks for a session: ticket, client's connection, handoff     \
	 * record.  Answered by SESSION_STARTED or SESSION_REFUSED. */         \
	X(SESSION_START, 20, IPC_GATES, IPC_BIT(IPC_SUPERVISOR), 2, 2, 16)     \
	X(SESSION_STARTED, 21, IPC_BIT(IPC_SUPERVISOR), IPC_GATES, 0, 0, 16)   \
	X(SESSION_REFUSED, 22, IPC_BIT(IPC_SUPERVISOR), IPC_GATES, 0, 0, 16)   \
	/* To the new session: connection and handoff record. */               \
	X(SESSION_GIVE, 23, IPC_BIT(IPC_SUPERVISOR), IPC_SESSIONS, 2, 2, 64)   \
	/* To a new session or worker, before its first commit: what its       \
	 * account may have in its mailbox (common/ipc/start.h). */            \
	X(OWNER_QUOTA, 160, IPC_BIT(IPC_SUPERVISOR),                           \
	    IPC_SESSIONS | IPC_BIT(IPC_DELIVERY_WORKER), 0, 0, 32)             \
	/* "Whose is this ticket?"  Once only.  Answered by TICKET_ACCOUNT. */ \
	X(TICKET_REDEEM, 24, IPC_BIT(IPC_SUPERVISOR), IPC_BIT(IPC_AUTHD), 0,   \
	    0, 32)                                                             \
	X(TICKET_ACCOUNT, 25, IPC_BIT(IPC_AUTHD), IPC_BIT(IPC_SUPERVISOR), 0,  \
	    0, 32)                                                             \
	/* local-delivery asks for an owner's worker.  Answered by             \
	 * WORKER_STARTED (with the channel) or WORKER_REFUSED. */             \
	X(WORKER_START, 26, IPC_BIT(IPC_LOCAL_DELIVERY),                       \
	    IPC_BIT(IPC_SUPERVISOR), 0, 0, 16)                                 \
	X(WORKER_STARTED, 27, IPC_BIT(IPC_SUPERVISOR),                         \
	    IPC_BIT(IPC_LOCAL_DELIVERY), 1, 1, 32)                             \
	X(WORKER_REFUSED, 28, IPC_BIT(IPC_SUPERVISOR),                         \
	    IPC_BIT(IPC_LOCAL_DELIVERY), 0, 0, 16)                             \
	/* "Whose is this voucher?"  Answered by VOUCHER_ACCOUNT. */           \
	X(VOUCHER_REDEEM, 29, IPC_BIT(IPC_SUPERVISOR), IPC_BIT(IPC_DIRECTORY), \
	    0, 0, 32)                                                          \
	X(VOUCHER_ACCOUNT, 30, IPC_BIT(IPC_DIRECTORY),                         \
	    IPC_BIT(IPC_SUPERVISOR), 0, 0, 32)                                 \
	/* authd asks for a PAM helper for one attempt.  Answered by           \
	 * PAM_STARTED (with the channel) or PAM_REFUSED. */                   \
	X(PAM_START, 31, IPC_BIT(IPC_AUTHD), IPC_BIT(IPC_SUPERVISOR), 0, 0,    \
	    16)                                                                \
	X(PAM_STARTED, 32, IPC_BIT(IPC_SUPERVISOR), IPC_BIT(IPC_AUTHD), 1, 1,  \
	    16)                                                                \
	X(PAM_REFUSED, 33, IPC_BIT(IPC_SUPERVISOR), IPC_BIT(IPC_AUTHD), 0, 0,  \
	    16)                                                                \
	/* ---- the address book: common/ipc/directory.h ---- */               \
	/* "May this recipient be accepted here?"  Answered by RESOLVED. */    \
	X(RESOLVE, 40, IPC_SMTPDS, IPC_BIT(IPC_DIRECTORY), 0, 0, 2048)         \
	X(RESOLVED, 41, IPC_BIT(IPC_DIRECTORY), IPC_SMTPDS, 0, 0, 2048)        \
	/* "Who is behind this address?"  Answered by one or more EXPANDED,    \
	 * the last marked so. */                                              \
	X(EXPAND, 42, IPC_BIT(IPC_QUEUE_MANAGER), IPC_BIT(IPC_DIRECTORY), 0,   \
	    0, 2048)                                                           \
	X(EXPANDED, 43, IPC_BIT(IPC_DIRECTORY), IPC_BIT(IPC_QUEUE_MANAGER), 0, \
	    0, 32768)                                                          \
	/* Other tables are in use: where mail goes may have changed. */        \
	X(TABLES_NEW, 150, IPC_BIT(IPC_DIRECTORY),                             \
	    IPC_BIT(IPC_QUEUE_MANAGER), 0, 0, 16)                              \
	/* "Whose mailbox is this address?"  Answered by ACCOUNT_IS, with a    \
	 * one-time voucher for WORKER_START. */                               \
	X(ACCOUNT_OF, 44, IPC_BIT(IPC_LOCAL_DELIVERY), IPC_BIT(IPC_DIRECTORY), \
	    0, 0, 2048)                                                        \
	X(ACCOUNT_IS, 45, IPC_BIT(IPC_DIRECTORY), IPC_BIT(IPC_LOCAL_DELIVERY), \
	    0, 0, 2048)                                                        \
	/* Of one's mailbox: it is full, or no longer; directory tells smtpd   \
	 * for a while (common/ipc/directory.h). */                            \
	X(MAILBOX_FULL, 161, IPC_BIT(IPC_LOCAL_DELIVERY),                      \
	    IPC_BIT(IPC_DIRECTORY), 0, 0, 16)                                  \
	/* "May this account send as this address?"  Answered by SENDER_IS. */ \
	X(SENDER_ASK, 144, IPC_BIT(IPC_SUBMIT), IPC_BIT(IPC_DIRECTORY), 0, 0,  \
	    2048)                                                              \
	X(SENDER_IS, 145, IPC_BIT(IPC_DIRECTORY), IPC_BIT(IPC_SUBMIT), 0, 0,   \
	    16)                                                                \
	/* "Is somebody behind this address logged in at a terminal?"  The	\
	 * body is as that of ACCOUNT_OF.  Answered by TERMINAL_IS. */	\
	X(TERMINAL_ASK, 220, IPC_SMTPDS, IPC_BIT(IPC_DIRECTORY), 0, 0, 2048) \
	X(TERMINAL_IS, 221, IPC_BIT(IPC_DIRECTORY), IPC_SMTPDS, 0, 0, 16) \
	/* "Who is behind this address?", for a client.  The body is as that   \
	 * of ACCOUNT_OF; the one answer, MEMBERS, as EXPANDED, with last not  \
	 * set where there are more. */                                        \
	X(MEMBERS_OF, 46, IPC_SMTPDS, IPC_BIT(IPC_DIRECTORY), 0, 0, 2048)      \
	X(MEMBERS, 47, IPC_BIT(IPC_DIRECTORY), IPC_SMTPDS, 0, 0, 32768)        \
	/* ---- into the queue: common/ipc/queue.h ---- */                     \
	/* A lease of queue ids, renewed by queue-manager before it ends. */   \
	X(QUEUE_IDS, 50, IPC_BIT(IPC_QUEUE_MANAGER), IPC_SENDERS, 0, 0, 32)    \
	/* One full, sealed memfd of a message's content.  Answered by         \
	 * CONTENT_KEPT or ENQUEUE_REFUSED. */                                 \
	X(CONTENT, 51, IPC_SENDERS, IPC_BIT(IPC_QUEUE_MANAGER), 1, 1, 64)      \
	X(CONTENT_KEPT, 52, IPC_BIT(IPC_QUEUE_MANAGER), IPC_SENDERS, 0, 0, 64) \
	/* The envelope with the last (often only) memfd of content; a         \
	 * second one holds the envelope where it is over 32 KiB.              \
	 * Answered by exactly one ENQUEUED or ENQUEUE_REFUSED. */             \
	X(ENQUEUE, 53, IPC_SENDERS, IPC_BIT(IPC_QUEUE_MANAGER), 1, 2, 36000)   \
	/* Durable; only now may smtpd say 250 (RFC 5321 section 6.1). */      \
	X(ENQUEUED, 54, IPC_BIT(IPC_QUEUE_MANAGER), IPC_SENDERS, 0, 0, 64)     \
	X(ENQUEUE_REFUSED, 55, IPC_BIT(IPC_QUEUE_MANAGER), IPC_SENDERS, 0, 0,  \
	    512)                                                               \
	/* The transaction that this content belonged to has ended. */         \
	X(ENQUEUE_ABORT, 56, IPC_SENDERS, IPC_BIT(IPC_QUEUE_MANAGER), 0, 0,    \
	    64)                                                                \
	/* ETRN (RFC 1985): what waits for a destination is to be tried now. \
	 * Answered by FLUSH_BEGUN. */					\
	X(FLUSH_ASK, 57, IPC_BIT(IPC_SMTPD), IPC_BIT(IPC_QUEUE_MANAGER), 0, 0, \
	    300)							\
	X(FLUSH_BEGUN, 58, IPC_BIT(IPC_QUEUE_MANAGER), IPC_BIT(IPC_SMTPD), 0, \
	    0, 64)							\
	/* ---- out of the queue: common/ipc/delivery.h ---- */                \
	/* One message for one recipient.  Answered by exactly one             \
	 * DELIVERED, which may also say deferred or failed. */                \
	X(DELIVER, 60,                                                         \
	    IPC_BIT(IPC_QUEUE_MANAGER) | IPC_BIT(IPC_LOCAL_DELIVERY),          \
	    IPC_BIT(IPC_LOCAL_DELIVERY) | IPC_BIT(IPC_DELIVERY_WORKER), 1, 1,  \
	    8192)                                                              \
	X(DELIVERED, 61,                                                       \
	    IPC_BIT(IPC_LOCAL_DELIVERY) | IPC_BIT(IPC_DELIVERY_WORKER),        \
	    IPC_BIT(IPC_QUEUE_MANAGER) | IPC_BIT(IPC_LOCAL_DELIVERY), 0, 0,    \
	    2048)                                                              \
	/* ---- to other hosts: common/ipc/relay.h ---- */                     \
	/* One message for some recipients at one destination.  Answered by    \
	 * one RELAYED for each of them. */                                    \
	X(RELAY, 64, IPC_BIT(IPC_QUEUE_MANAGER), IPC_BIT(IPC_REMOTE_RELAY), 1, \
	    1, 32768)                                                          \
	X(RELAYED, 65, IPC_BIT(IPC_REMOTE_RELAY), IPC_BIT(IPC_QUEUE_MANAGER),  \
	    0, 0, 2048)                                                        \
	/* ---- who is it: common/ipc/auth.h ---- */                           \
	/* Name and password of a client.  Answered by LOGIN_TICKET (to        \
	 * smtpd-submit by LOGIN_ACCOUNT) or LOGIN_REFUSED, perhaps much       \
	 * later. */                                                           \
	X(LOGIN, 70, IPC_LOGINS, IPC_BIT(IPC_AUTHD), 0, 0, 4096)               \
	X(LOGIN_TICKET, 71, IPC_BIT(IPC_AUTHD), IPC_GATES, 0, 0, 512)          \
	X(LOGIN_REFUSED, 72, IPC_BIT(IPC_AUTHD), IPC_LOGINS, 0, 0, 512)        \
	/* A name and a digest (RFC 1939 section 7, APOP).  Answered as        \
	 * LOGIN is. */                                                        \
	X(LOGIN_APOP, 149, IPC_BIT(IPC_POP3D), IPC_BIT(IPC_AUTHD), 0, 0, 1024) \
	/* The client of this LOGIN has gone. */                               \
	X(LOGIN_CANCEL, 73, IPC_LOGINS, IPC_BIT(IPC_AUTHD), 0, 0, 16)          \
	/* A client's first message of SCRAM.  Answered by SASL_CHALLENGE      \
	 * or LOGIN_REFUSED. */                                                \
	X(SASL_START, 78, IPC_LOGINS, IPC_BIT(IPC_AUTHD), 0, 0, 4096)          \
	/* The server's next message, with the conversation's number. */       \
	X(SASL_CHALLENGE, 79, IPC_BIT(IPC_AUTHD), IPC_LOGINS, 0, 0, 4096)      \
	/* The client's next message.  Answered by SASL_CHALLENGE or as        \
	 * LOGIN is. */                                                        \
	X(SASL_RESPONSE, 140, IPC_LOGINS, IPC_BIT(IPC_AUTHD), 0, 0, 4096)      \
	/* The client has gone, or wants no more, while it was its turn. */    \
	X(SASL_ABORT, 141, IPC_LOGINS, IPC_BIT(IPC_AUTHD), 0, 0, 16)           \
	/* Logged in: whose account it is. */                                  \
	X(LOGIN_ACCOUNT, 142, IPC_BIT(IPC_AUTHD), IPC_BIT(IPC_SUBMIT), 0, 0,   \
	    512)                                                               \
	/* Which mechanisms make sense; at first and when it changes. */       \
	X(LOGIN_OFFER, 143, IPC_BIT(IPC_AUTHD), IPC_LOGINS, 0, 0, 16)          \
	/* A password and what is stored.  Answered by VERIFIED. */            \
	X(VERIFY, 74, IPC_BIT(IPC_AUTHD), IPC_BIT(IPC_AUTHD_VERIFIER), 0, 0,   \
	    4096)                                                              \
	X(VERIFIED, 75, IPC_BIT(IPC_AUTHD_VERIFIER), IPC_BIT(IPC_AUTHD), 0, 0, \
	    16)                                                                \
	/* One PAM conversation.  Answered by PAM_VERDICT. */                  \
	X(PAM_ATTEMPT, 76, IPC_BIT(IPC_AUTHD), IPC_BIT(IPC_AUTHD_PAM), 0, 0,   \
	    4096)                                                              \
	X(PAM_VERDICT, 77, IPC_BIT(IPC_AUTHD_PAM), IPC_BIT(IPC_AUTHD), 0, 0,   \
	    16)                                                                \
	/* ---- forwarding: common/ipc/start.h, common/ipc/forward.h ---- */   \
	/* local-delivery asks for the runner of a system user.  Answered by   \
	 * RUNNER_STARTED (with the channel) or RUNNER_REFUSED. */             \
	X(RUNNER_START, 130, IPC_BIT(IPC_LOCAL_DELIVERY),                      \
	    IPC_BIT(IPC_SUPERVISOR), 0, 0, 16)                                 \
	X(RUNNER_STARTED, 131, IPC_BIT(IPC_SUPERVISOR),                        \
	    IPC_BIT(IPC_LOCAL_DELIVERY), 1, 1, 32)                             \
	X(RUNNER_REFUSED, 132, IPC_BIT(IPC_SUPERVISOR),                        \
	    IPC_BIT(IPC_LOCAL_DELIVERY), 0, 0, 16)                             \
	/* One message, for what its recipient's ~/.forward says.              \
	 * Answered by exactly one FORWARDED. */                               \
	X(FORWARD, 133, IPC_BIT(IPC_LOCAL_DELIVERY), IPC_BIT(IPC_RUNNER), 1,   \
	    1, 16384)                                                          \
	X(FORWARDED, 134, IPC_BIT(IPC_RUNNER), IPC_BIT(IPC_LOCAL_DELIVERY), 0, \
	    0, 32768)                                                          \
	/* ---- operators: common/ipc/operator.h ---- */                       \
	/* An operator's command in numbers.  Answered by CONTROL_ANSWER,      \
	 * perhaps with a channel to the stage that answers the rest. */       \
	X(CONTROL_ASK, 80, IPC_BIT(IPC_CONTROL), IPC_BIT(IPC_SUPERVISOR), 0,   \
	    0, 64)                                                             \
	X(CONTROL_ANSWER, 81, IPC_BIT(IPC_SUPERVISOR), IPC_BIT(IPC_CONTROL),   \
	    0, 1, 64)                                                          \
	/* One row of `bulkhead status`; the last CONTROL_ANSWER ends them. */ \
	X(CONTROL_PROCESS, 82, IPC_BIT(IPC_SUPERVISOR), IPC_BIT(IPC_CONTROL),  \
	    0, 0, 256)                                                         \
	/* ---- the queue's: common/ipc/control.h ---- */                      \
	/* What is in the queue, page by page, and what to do with it.         \
	 * Answered by QUEUE_ROWS, then QUEUE_DONE. */                         \
	X(QUEUE_ASK, 90, IPC_BIT(IPC_CONTROL), IPC_BIT(IPC_QUEUE_MANAGER), 0,  \
	    0, 1024)                                                           \
	X(QUEUE_ROWS, 91, IPC_BIT(IPC_QUEUE_MANAGER), IPC_BIT(IPC_CONTROL), 0, \
	    0, 36000)                                                          \
	X(QUEUE_DONE, 92, IPC_BIT(IPC_QUEUE_MANAGER), IPC_BIT(IPC_CONTROL), 0, \
	    0, 1024)                                                           \
	/* ---- TLS: common/ipc/tls.h ---- */                                  \
	/* A certificate block of bulkhead.conf: its chain, or nothing         \
	 * where the file cannot be read.  Effect with STAGE_COMMIT. */        \
	X(STAGE_CERTIFICATE, 100, IPC_BIT(IPC_SUPERVISOR), IPC_TLS_USERS, 0, \
	    1, 128)                                                            \
	/* The same to tlskeyd: chain and private key, or nothing. */          \
	X(STAGE_KEY, 101, IPC_BIT(IPC_SUPERVISOR), IPC_BIT(IPC_TLSKEYD), 0, 2, \
	    128)                                                               \
	/* The keys that this peer may use, whenever they change. */           \
	X(TLS_KEYS, 102, IPC_BIT(IPC_TLSKEYD), IPC_TLS_USERS, 0, 0, 16388)   \
	/* The keys of its session tickets, whenever they change. */           \
	X(TLS_TICKETS, 103, IPC_BIT(IPC_TLSKEYD), IPC_TLS_SERVERS, 0, 0, 256)  \
	/* The whole input of one handshake's signature.  Answered by          \
	 * TLS_SIGNED or TLS_REFUSED. */                                       \
	X(TLS_SIGN, 104, IPC_TLS_USERS, IPC_BIT(IPC_TLSKEYD), 0, 0, 16064)   \
	X(TLS_SIGNED, 105, IPC_BIT(IPC_TLSKEYD), IPC_TLS_USERS, 0, 0, 1100)  \
	X(TLS_REFUSED, 106, IPC_BIT(IPC_TLSKEYD), IPC_TLS_USERS, 0, 0, 16)   \
	/* ---- the names of others: common/ipc/dns.h ---- */                  \
	/* One name, one type.  Answered by exactly one DNS_ANSWER, if need    \
	 * be one that says "not now". */                                      \
	X(DNS_ASK, 110, IPC_DNS_CLIENTS, IPC_BIT(IPC_RESOLVER), 0, 0, 512)     \
	X(DNS_ANSWER, 111, IPC_BIT(IPC_RESOLVER), IPC_DNS_CLIENTS, 0, 0,       \
	    32768)                                                             \
	/* Nobody waits for the answer to this DNS_ASK any more: none comes.   \
	 */                                                                    \
	X(DNS_CANCEL, 112, IPC_DNS_CLIENTS, IPC_BIT(IPC_RESOLVER), 0, 0, 16) \
	/* ---- milters: common/ipc/milter.h ---- */ \
	/* A transaction begins.  Answered by MILTER_VERDICT. */ \
	X(MILTER_MAIL, 170, IPC_SMTPDS, IPC_BIT(IPC_MILTERD), 0, 0, 8192) \
	/* One recipient, or one that was refused and of which a milter wants to \
	 * know.  Answered by MILTER_VERDICT. */ \
	X(MILTER_RCPT, 171, IPC_SMTPDS, IPC_BIT(IPC_MILTERD), 0, 0, 8192) \
	/* DATA, before 354.  Answered by MILTER_VERDICT. */ \
	X(MILTER_DATA, 172, IPC_SMTPDS, IPC_BIT(IPC_MILTERD), 0, 0, 64) \
	/* One sealed memfd of content, not the last. */ \
	X(MILTER_CONTENT, 173, IPC_SMTPDS, IPC_BIT(IPC_MILTERD), 1, 1, 64) \
	/* The last one: what do the milters say?  Answered by any number of \
	 * MILTER_PART and one MILTER_VERDICT. */ \
	X(MILTER_REVIEW, 174, IPC_SMTPDS, IPC_BIT(IPC_MILTERD), 1, 1, 64) \
	/* The transaction, the session has ended. */ \
	X(MILTER_ABORT, 175, IPC_SMTPDS, IPC_BIT(IPC_MILTERD), 0, 0, 64) \
	X(MILTER_CLOSE, 176, IPC_SMTPDS, IPC_BIT(IPC_MILTERD), 0, 0, 64) \
	/* A sealed memfd of changed content. */ \
	X(MILTER_PART, 177, IPC_BIT(IPC_MILTERD), IPC_SMTPDS, 1, 1, 64) \
	X(MILTER_VERDICT, 178, IPC_BIT(IPC_MILTERD), IPC_SMTPDS, 0, 0, 36000) \
	/* A connection to the milter of this name, please.  Answered by \
	 * MILTER_CONNECTED (where it is TCP, perhaps still on its way) or \
	 * MILTER_UNREACHABLE. */ \
	X(MILTER_CONNECT, 179, IPC_BIT(IPC_MILTERD), IPC_BIT(IPC_SUPERVISOR), 0, 0, 32) \
	X(MILTER_CONNECTED, 180, IPC_BIT(IPC_SUPERVISOR), IPC_BIT(IPC_MILTERD), 1, 1, 16) \
	X(MILTER_UNREACHABLE, 181, IPC_BIT(IPC_SUPERVISOR), IPC_BIT(IPC_MILTERD), 0, 0, 16) \
	/* A command that smtpd does not know.  Answered by MILTER_VERDICT. */ \
	X(MILTER_UNKNOWN, 182, IPC_SMTPDS, IPC_BIT(IPC_MILTERD), 0, 0, 1024)

enum ipc_type {
#define X(name, number, from, to, fds_min, fds_max, max) IPC_##name = (number),
	IPC_MESSAGES(X)
#undef X
};

/* Tables that every process has hold their strings themselves: a pointer would
 * have to be relocated, and the page that it stands in be each process's own. */
enum { IPC_NAME_SIZE = 32 };

/* A row of the table, as code sees it. */
struct ipc_rule {
	enum ipc_type	 type;
	char		 name[IPC_NAME_SIZE];
	unsigned	 from, to;	/* sets of IPC_BIT(role) */
	unsigned	 fds_min, fds_max;
	size_t		 max;		/* octets of body */
};

/* The rule of a type, or NULL for a number that is not in the table. */
const struct ipc_rule *ipc_rule(unsigned type);

/* Is there a message from the one to the other that carries descriptors? */
bool ipc_rules_carry(enum ipc_role from, enum ipc_role to);

#endif
