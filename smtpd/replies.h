/*
 * Every reply of smtpd that says nothing but itself: name, reply code,
 * enhanced status code (RFC 3463), text, and in the comment the reason in the
 * standard.
 */
#ifndef SMTPD_REPLIES_H
#define SMTPD_REPLIES_H

#include "common/smtp/reply.h"

#define SMTPD_REPLIES(X)						\
	/* 2yz: done */							\
	X(OK,			250, 2, 0, 0, "Ok")			\
	X(MAIL_OK,		250, 2, 1, 0, "Ok")			\
	X(RCPT_OK,		250, 2, 1, 5, "Ok")			\
	X(TLS_GO_ON,		220, 2, 0, 0, "Ready to start TLS")		\
	/* RFC 1985 section 5.3 */					\
	X(ETRN_BEGUN,		250, 2, 0, 0, "Ok, queuing started")	\
	X(ETRN_NOTHING,		251, 2, 0, 0, "Ok, no messages waiting") \
	X(ETRN_PENDING,		252, 2, 0, 0, "Ok, pending messages started") \
	X(BYE,			221, 2, 0, 0, "Goodbye")		\
	X(CANNOT_VERIFY,	252, 2, 5, 2,				\
	    "Cannot verify, but will accept mail and attempt delivery")	\
	/* RFC 6531 section 3.7.4.2 */					\
	X(NEEDS_UTF8,		252, 2, 6, 8,				\
	    "Needs an answer beyond ASCII: ask with SMTPUTF8")		\
	X(TOO_MANY_MEMBERS,	252, 2, 5, 2,				\
	    "Too many members to list, but will accept mail")		\
	X(HELP,			214, 2, 0, 0,				\
	    "HELO EHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP: see RFC 5321") \
	X(LMTP_HELP,		214, 2, 0, 0,				\
	    "LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP: see RFC 2033") \
	X(AUTH_OK,		235, 2, 7, 0, "Authentication succeeded") \
	X(GO_ON,		354, 0, 0, 0, "End data with <CRLF>.<CRLF>") \
	/* 421: and the connection ends */				\
	X(FULL,			421, 4, 3, 2, "Too many sessions, try later") \
	X(CLIENT_FULL,		421, 4, 7, 0,				\
	    "Too many sessions from your address, try later")		\
	X(CLIENT_RATE,		421, 4, 7, 0,				\
	    "Too many connections from your address, try later")	\
	X(CLIENT_ERRORS,	421, 4, 7, 0,				\
	    "Too many errors from your address, try later")		\
	X(LMTP_STRANGER,	421, 4, 7, 0,				\
	    "LMTP is not for your address")				\
	X(STOPPING,		421, 4, 3, 2, "Shutting down, try later") \
	X(TIMEOUT,		421, 4, 4, 2, "Timeout, closing")	\
	X(TOO_SLOW,		421, 4, 4, 2, "Too slow, closing")	\
	X(TOO_LONG_SESSION,	421, 4, 4, 2, "Session too long, closing") \
	X(ERRORS,		421, 4, 7, 0, "Too many errors, closing") \
	X(IDLE_COMMANDS,	421, 4, 7, 0,				\
	    "Too many commands without a message, closing")		\
	X(AUTH_FAILURES,	421, 4, 7, 0, "Too many failed logins, closing") \
	X(NO_PROXY_HEADER,	421, 4, 3, 5,				\
	    "A proxy's connection begins with a PROXY header")		\
	X(NO_MEMORY,		421, 4, 3, 0, "Out of resources, try later") \
	/* RFC 3030 section 2: a chunk is here */			\
	X(CHUNK_OK,		250, 2, 0, 0, "Chunk taken")		\
	/* 45z: not now */						\
	/* RFC 821 section 3.4 */					\
	X(NOT_ACTIVE,		450, 4, 2, 1, "User not active now")	\
	X(QUOTA,		450, 4, 7, 1,				\
	    "Too many recipients within the hour, try later")		\
	X(AUTH_DOWN,		454, 4, 7, 0,				\
	    "Temporary authentication failure, try later")		\
	X(DIRECTORY_DOWN,	451, 4, 3, 0,				\
	    "Address book not available, try later")			\
	X(QUEUE_DOWN,		451, 4, 3, 0, "Queue not available, try later") \
	X(MILTERS_DOWN,		451, 4, 3, 0,				\
	    "Mail filters not available, try later")			\
	X(RESOURCES,		452, 4, 3, 1, "Out of resources, try later") \
	/* RFC 5321 section 4.5.3.1.10 */				\
	X(TOO_MANY_RECIPIENTS,	452, 4, 5, 3, "Too many recipients")	\
	/* RFC 3207 section 4 */					\
	X(TLS_DOWN,		454, 4, 7, 0, "TLS not available, try later")	\
	X(CLIENT_MESSAGES,	450, 4, 7, 1,				\
	    "Too many messages from your address, try later")		\
	X(CLIENT_RECIPIENTS,	450, 4, 7, 1,				\
	    "Too many recipients from your address, try later")		\
	X(ETRN_BUSY,		458, 4, 3, 2, "Not now, try later")	\
	X(ETRN_DENIED,		459, 4, 7, 1, "Not allowed to you")	\
	/* 50z: not understood */					\
	X(UNKNOWN_COMMAND,	500, 5, 5, 1, "Command unrecognized")	\
	X(BAD_LINE,		500, 5, 5, 2, "Command unrecognized")	\
	X(LINE_LONG,		500, 5, 5, 2, "Line too long")		\
	X(LINE_BARE,		500, 5, 5, 2,				\
	    "Lines end with CRLF, not with a bare CR or LF; closing")	\
	X(BAD_ARGUMENTS,	501, 5, 5, 4, "Syntax error in arguments") \
	X(NO_ARGUMENTS,		501, 5, 5, 4, "No arguments, please")	\
	X(NEED_FROM,		501, 5, 5, 4, "Syntax: MAIL FROM:<address>") \
	X(NEED_TO,		501, 5, 5, 4, "Syntax: RCPT TO:<address>") \
	X(NEED_DOMAIN,		501, 5, 5, 4,				\
	    "Syntax: HELO or EHLO, a space, your domain or [address]")	\
	X(NEED_NODE,		501, 5, 5, 4,				\
	    "Syntax: ETRN, a space, domain, @domain or #route")		\
	X(NEED_STRING,		501, 5, 5, 4, "Say whom or what")	\
	X(BAD_REVERSE_PATH,	501, 5, 1, 7, "Bad reverse-path syntax") \
	X(BAD_FORWARD_PATH,	501, 5, 1, 3, "Bad forward-path syntax") \
	X(LONG_REVERSE_PATH,	501, 5, 1, 7, "Path too long")		\
	X(LONG_FORWARD_PATH,	501, 5, 1, 3, "Path too long")		\
	X(BAD_PARAMETER,	501, 5, 5, 4, "Bad parameter")		\
	/* Where the data ends that follows, nobody knows: closing */	\
	X(BAD_CHUNK,		501, 5, 5, 4,				\
	    "Syntax: BDAT size [LAST]; closing")			\
	X(NOT_IMPLEMENTED,	502, 5, 5, 1, "Command not implemented") \
	X(BAD_SEQUENCE,		503, 5, 5, 1, "Bad sequence of commands") \
	X(HELO_FIRST,		503, 5, 5, 1, "Say HELO or EHLO first")	\
	X(MAIL_FIRST,		503, 5, 5, 1, "Say MAIL first")		\
	X(CHUNKS_BEGUN,		503, 5, 5, 1,				\
	    "The message comes by BDAT, go on or say RSET")		\
	/* RFC 2033 section 4.2 */					\
	X(LMTP_NO_RECIPIENTS,	503, 5, 5, 1, "No valid recipients")	\
	X(LHLO_FIRST,		503, 5, 5, 1, "Say LHLO first")		\
	X(NESTED_MAIL,		503, 5, 5, 1, "A transaction is under way") \
	/* RFC 3030 section 3 */					\
	X(BINARY_BY_BDAT,	503, 5, 5, 1,				\
	    "BODY=BINARYMIME needs BDAT, not DATA")			\
	X(TLS_ALREADY,		503, 5, 5, 1, "TLS is active already")	\
	X(TLS_PIPELINED,	503, 5, 5, 1,				\
	    "Nothing may follow STARTTLS before its reply, closing")	\
	/* RFC 3207 section 4 */					\
	X(TLS_FIRST,		530, 5, 7, 0, "Must issue a STARTTLS command first") \
	X(EHLO_FIRST,		503, 5, 5, 1, "Say EHLO first")		\
	/* RFC 4954 section 4 and 6 */					\
	X(AUTH_LINE_LONG,	500, 5, 5, 6,				\
	    "Authentication exchange line is too long")			\
	X(AUTH_SYNTAX,		501, 5, 5, 4,				\
	    "Syntax: AUTH, a space, a mechanism, perhaps a response")	\
	X(AUTH_MALFORMED,	501, 5, 5, 2,				\
	    "Not a response of this mechanism in base64")		\
	X(AUTH_CANCELLED,	501, 5, 7, 0, "Authentication cancelled") \
	X(AUTH_ALREADY,		503, 5, 5, 1, "Already authenticated")	\
	X(AUTH_MECHANISM,	504, 5, 5, 4,				\
	    "Unrecognized authentication mechanism")			\
	X(AUTH_TOO_WEAK,	534, 5, 7, 9,				\
	    "Authentication mechanism is not allowed here")		\
	X(AUTH_DENIED,		535, 5, 7, 8, "Authentication credentials invalid") \
	X(AUTH_IDENTITY,	535, 5, 7, 8, "Nobody may act for another") \
	X(AUTH_CLEARTEXT,	538, 5, 7, 11,				\
	    "Encryption required for authentication")			\
	X(AUTH_FIRST,		530, 5, 7, 0, "Authentication required") \
	/* 55z: refused */						\
	X(UNKNOWN_RECIPIENT,	550, 5, 1, 1, "No such user here")	\
	X(NOT_OURS,		550, 5, 1, 2, "Not a domain of ours")	\
	X(NO_RELAY,		550, 5, 7, 1, "Relaying denied")	\
	X(HEADER_LONG,		552, 5, 3, 4, "Header section too long") \
	X(TOO_BIG,		552, 5, 3, 4, "Message too big")	\
	X(NOT_YOUR_ADDRESS,	553, 5, 7, 1,				\
	    "Sender address does not belong to you")			\
	/* RFC 6531 section 3.5: without SMTPUTF8 */			\
	X(SENDER_NOT_ASCII,	550, 5, 6, 7,				\
	    "Address beyond ASCII: only with SMTPUTF8")			\
	X(NOT_ASCII,		553, 5, 6, 7,				\
	    "Address beyond ASCII: only with SMTPUTF8")			\
	X(NO_RECIPIENTS,	554, 5, 5, 1, "No valid recipients")	\
	X(NOT_LINES,		554, 5, 5, 2,				\
	    "Bare CR or LF in the message: lines end with CRLF")	\
	X(TEXT_LINE_LONG,	554, 5, 6, 0, "Line of the message too long") \
	X(NOT_8BIT,		554, 5, 6, 1, "8-bit content not declared") \
	X(LOOP,			554, 5, 4, 6,				\
	    "Too many Received fields: mail loop")			\
	X(EARLY_TALKER,		554, 5, 5, 1,				\
	    "You talked before the greeting")				\
	X(EARLY_COMMANDS,	554, 5, 5, 0,				\
	    "You sent on without waiting for a reply (RFC 2920), closing") \
	X(NOT_HTTP,		554, 5, 5, 0, "This is not HTTP, closing") \
	/* RFC 5321 section 4.1.1.11 */					\
	X(PARAMETER_AFTER_HELO,	555, 5, 5, 4,				\
	    "Parameters are for who said EHLO")				\
	X(UNKNOWN_PARAMETER,	555, 5, 5, 4, "Parameter not supported")

enum smtpd_reply {
#define X(name, ...) SAY_##name,
	SMTPD_REPLIES(X)
#undef X
	SAY_COUNT
};

/* The status of a reply; and its name, for the log ("unknown_recipient"). */
const struct smtp_status *smtpd_reply_status(enum smtpd_reply);
const char *smtpd_reply_name(enum smtpd_reply);

#endif
