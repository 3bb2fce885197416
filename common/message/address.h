/*
 * Address lists of header fields: RFC 5322 section 3.4 and the obsolete forms
 * of section 4.4, and whatever else a mail program may have put there: no
 * input is refused, what cannot be an address is stepped over.
 *
 * An iterator, so that a list of any length needs no memory but scratch.
 */
#ifndef COMMON_MESSAGE_ADDRESS_H
#define COMMON_MESSAGE_ADDRESS_H

#include "common/message/scan.h"

/* Addresses taken from one field; the rest of it is not looked at. */
#define ADDRESS_LIST_MAX 1000

enum address_kind {
	ADDRESS_END,
	ADDRESS_MAILBOX,
	ADDRESS_GROUP,		/* name is the group's; its members follow */
	ADDRESS_GROUP_END	/* comes for every ADDRESS_GROUP */
};

/*
 * The parts of one address without quoting and comments, in the scratch of
 * the list: valid until the next call.  at is NULL for a part that is not
 * there.  An address without @ has an empty domain, never a NULL one.
 */
struct address {
	struct slice	name;	/* display-name, or else the comment that an
				 * old mail program puts the name into */
	struct slice	route;	/* obsolete source route, "@a,@b" */
	struct slice	mailbox; /* local-part */
	struct slice	domain;
};

struct address_list {
	struct scan	in;
	struct text	scratch;
	unsigned	count;
	bool		in_group;
};

/*
 * scratch   as many octets as body has are always enough; with fewer, parts
 *           are cut short.
 */
void address_list_init(struct address_list *, struct slice body, char *scratch,
    size_t size);
enum address_kind address_next(struct address_list *, struct address *);

#endif
