/*
 * What a session can do beside the base protocol, in one table (RFC 3501
 * section 7.2.1).  CAPABILITY, the greeting and what is hidden from one account
 * are made from these rows; a row stands here only when all of it works.
 */
#ifndef IMAPD_SESSION_CAPABILITY_H
#define IMAPD_SESSION_CAPABILITY_H

#include <stdint.h>

#include "common/slice/slice.h"

#define IMAP_CAPABILITIES(X)						\
	X(IMAP4REV1,	"IMAP4rev1")	/* RFC 3501 */			\
	X(IMAP4REV2,	"IMAP4rev2")	/* RFC 9051 */			\
	X(LITERAL_PLUS,	"LITERAL+")	/* RFC 7888 */			\
	X(LITERAL_MINUS, "LITERAL-")	/* where LITERAL+ is hidden */	\
	X(ID,		"ID")		/* RFC 2971 */			\
	X(IDLE,		"IDLE")		/* RFC 2177 */			\
	X(NAMESPACE,	"NAMESPACE")	/* RFC 2342 */			\
	X(CHILDREN,	"CHILDREN")	/* RFC 3348 */			\
	X(UIDPLUS,	"UIDPLUS")	/* RFC 4315 */			\
	X(UNSELECT,	"UNSELECT")	/* RFC 3691 */			\
	X(MOVE,		"MOVE")		/* RFC 6851 */			\
	X(ENABLE,	"ENABLE")	/* RFC 5161 */			\
	X(UTF8_ACCEPT,	"UTF8=ACCEPT")	/* RFC 6855 */			\
	X(CONDSTORE,	"CONDSTORE")	/* RFC 7162 */			\
	X(QRESYNC,	"QRESYNC")					\
	X(ESEARCH,	"ESEARCH")	/* RFC 4731 */			\
	X(SEARCHRES,	"SEARCHRES")	/* RFC 5182 */			\
	X(WITHIN,	"WITHIN")	/* RFC 5032 */			\
	X(PARTIAL,	"PARTIAL")	/* RFC 9394 */			\
	X(STATUS_SIZE,	"STATUS=SIZE")	/* RFC 8438 */			\
	X(INPROGRESS,	"INPROGRESS")	/* RFC 9585 */			\
	X(LIST_EXTENDED, "LIST-EXTENDED") /* RFC 5258 */		\
	X(LIST_STATUS,	"LIST-STATUS")	/* RFC 5819 */			\
	X(SPECIAL_USE,	"SPECIAL-USE")	/* RFC 6154 */			\
	X(CREATE_USE,	"CREATE-SPECIAL-USE") /* RFC 6154 */		\
	X(XLIST,	"XLIST")	/* Gmail's, before RFC 6154 */	\
	X(SORT,		"SORT")		/* RFC 5256 */			\
	X(THREAD_REFERENCES, "THREAD=REFERENCES")			\
	X(THREAD_ORDEREDSUBJECT, "THREAD=ORDEREDSUBJECT")		\
	X(COMPRESS,	"COMPRESS=DEFLATE")	/* RFC 4978 */		\
	X(PREVIEW,	"PREVIEW")	/* RFC 8970 */			\
	X(SAVEDATE,	"SAVEDATE")	/* RFC 8514 */			\
	X(OBJECTID,	"OBJECTID")	/* RFC 8474 */			\
	X(QUOTA,	"QUOTA")	/* RFC 9208 */			\
	X(QUOTA_STORAGE, "QUOTA=RES-STORAGE")				\
	X(QUOTA_MESSAGE, "QUOTA=RES-MESSAGE")				\
	X(BINARY,	"BINARY")	/* RFC 3516 */			\
	X(MULTIAPPEND,	"MULTIAPPEND")	/* RFC 3502 */			\
	X(REPLACE,	"REPLACE")	/* RFC 8508 */			\
	X(APPENDLIMIT,	"APPENDLIMIT")	/* RFC 7889, with the limit */

enum imap_capability {
#define X(id, name) CAPABILITY_##id,
	IMAP_CAPABILITIES(X)
#undef X
	IMAP_CAPABILITIES_LEN
};

/* One bit for each. */
typedef uint64_t imap_capability_set;
#define CAPABILITY_BIT(id) (UINT64_C(1) << CAPABILITY_##id)

const char *imap_capability_name(enum imap_capability);
/* Compared without case; IMAP_CAPABILITIES_LEN: there is none of that name. */
enum imap_capability imap_capability_of(struct slice name);

#endif
