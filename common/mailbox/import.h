/*
 * What Dovecot and Courier keep beside the messages, a line at a time (pure).
 *
 * dovecot-uidlist, version 3
 *	3 V1732166400 N18 G0f3c...
 *	17 P000000114a5b W5021 :1732166400.M1P2.host,S=4980,W=5021
 * dovecot-uidlist, version 1, and courierimapuiddb
 *	1 1732166400 18
 *	17 1732166400.M1P2.host,S=4980
 * dovecot-keywords
 *	0 $Label1
 * courierpop3dsizelist, versions 2 and 3
 *	/2 18 1732166400
 *	1732166400.M1P2.host,S=4980:2,S 5021 17:1732166400
 * courierimapkeywords/:list
 *	$Label1
 *	(an empty line)
 *	1732166400.M1P2.host,S=4980:0 3
 * subscriptions, versions 1 and 2, and courierimapsubscribed
 *
 * Slices that come out point into the line.  A line has no line end.  PARSE_BAD
 * lines are passed over: what they said is then as if it had not been said.
 */
#ifndef COMMON_MAILBOX_IMPORT_H
#define COMMON_MAILBOX_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/slice/slice.h"

/* RFC 1939 section 7: 1 to 70 printable octets. */
#define UIDL_LEN_MAX 70

struct uidlist_header {
	unsigned version;     /* 1 or 3 */
	uint32_t uidvalidity; /* not 0 */
	uint32_t next;        /* 0: not said */
	char guid[33];        /* 32 lower-case hexadecimal digits, or "" */
};

struct uidlist_line {
	uint32_t uid;      /* 1..UINT32_MAX - 1 */
	struct slice name; /* of the file, without its info part */
	struct slice uidl; /* what POP3 showed; empty: not said */
};

enum parse uidlist_header_parse(struct slice line, struct uidlist_header *);
enum parse uidlist_line_parse(
    struct slice line, unsigned version, struct uidlist_line *);

/* n: 0..25, the letters a to z in file names. */
enum parse dovecot_keyword_parse(
    struct slice line, unsigned *n, struct slice *name);

struct sizelist_line {
	struct slice name;       /* of the file, without its info part */
	unsigned long uid, uidv; /* uid 0: the name is the UIDL */
};

enum parse sizelist_header_parse(struct slice line);
enum parse sizelist_line_parse(struct slice line, struct sizelist_line *);
/* As Courier's pop3d shows it.  PARSE_BAD: longer than POP3 allows. */
enum parse sizelist_uidl(
    const struct sizelist_line *, char to[UIDL_LEN_MAX + 1]);

/* A message's line: name of the file, and which keywords (0..63) as bits. */
enum parse courier_keywords_parse(
    struct slice line, struct slice *name, uint64_t *keywords);

/* A UIDL that POP3 can show. */
bool uidl_is_good(struct slice);

/* First line of Dovecot's version 2, which an empty line follows. */
#define SUBSCRIPTIONS_V2 "V\t2"
enum { SUBSCRIPTION_MAX = 1024 };
/*
 * A line as a mailbox name in modified UTF-7, separated by full stops, written
 * to to; its length, or 0 for a line that is none.  v2: parts are separated by
 * tabs.  courier: all begin with "INBOX.", or are INBOX.
 */
size_t subscription_parse(
    struct slice line, bool v2, bool courier, char to[SUBSCRIPTION_MAX]);

#endif
