/*
 * Questions to resolver: DNS_ASK carries one name and one type, DNS_ANSWER
 * the whole outcome with its records in a form that nobody has to parse the
 * way DNS does.  common/dns/client.h is how a stage asks.
 *
 * Names are text without the final dot: labels of letters, digits, hyphen,
 * underscore and (RFC 2317) slash, 63 octets each, 253 in all.  In answers
 * they are in lower case; the empty name is the root (a null MX, RFC 7505).
 * A record whose name is not of that form is left out of its answer, for
 * nothing that we do could use it.
 *
 * encode answers the length of the body, or 0 when a field is over its limit
 * or is not what its type allows; decode answers 0, or -1 when malformed.
 * Slices point into the body.
 */
#ifndef COMMON_IPC_DNS_H
#define COMMON_IPC_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc/codec.h"
#include "common/slice/slice.h"

enum {
	DNS_NAME_MAX = 253,	/* octets of a name as text */
	DNS_LABEL_MAX = 63,
	DNS_TEXT_MAX = 4096,	/* octets of one TXT record, strings joined */
	DNS_TLSA_MAX = 4096,	/* octets of a TLSA record's data, which may be
				 * a whole certificate; longer are left out */
	DNS_WHY_MAX = 200,
	DNS_RECORDS_MAX = 256,
	DNS_TTL_MAX = 86400,	/* seconds */
	DNS_ASK_MAX = 512,
	DNS_ANSWER_MAX = 32768	/* of a body */
};

/* Record types, by their numbers in DNS. */
enum dns_type {
	DNS_A = 1,		/* RFC 1035 section 3.4.1 */
	DNS_CNAME = 5,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,		/* RFC 3596 */
	DNS_TLSA = 52		/* RFC 6698 */
};

enum dns_status {
	DNS_OK = 1,		/* at least one record */
	DNS_NXDOMAIN,		/* no such name */
	DNS_NODATA,		/* the name has no record of that type */
	DNS_TEMPFAIL,		/* no answer now: ask again later */
	DNS_BOGUS		/* there was one, but validation failed; to be
				 * treated as DNS_TEMPFAIL */
};

/* Is this one of the types above? */
bool dns_type_valid(unsigned type);
/* "MX" and so on, for logs. */
const char *dns_type_name(enum dns_type);
/* "nxdomain" and so on, for logs. */
const char *dns_status_name(enum dns_status);

/* A name of the form above, with or without capitals; not the empty one. */
bool dns_name_valid(struct slice);

/* DNS_ASK. */
struct dns_question {
	enum dns_type	type;
	struct slice	name;
};

size_t dns_question_encode(const struct dns_question *,
    uint8_t buf[DNS_ASK_MAX]);
int dns_question_decode(struct slice body, struct dns_question *);

/* One record; which member holds it, type says. */
struct dns_record {
	enum dns_type	type;
	union {
		unsigned char	address[16];	/* A uses 4; network order */
		struct slice	name;		/* CNAME, PTR */
		struct slice	text;		/* TXT */
		struct {
			uint16_t	preference;
			struct slice	exchange;	/* empty: null MX */
		} mx;
		struct {
			uint8_t		usage, selector, matching;
			struct slice	data;
		} tlsa;
	};
};

/*
 * DNS_ANSWER.  With a status other than DNS_OK there are no records.
 * canonical is the name that the records belong to, where CNAMEs led
 * elsewhere than to the name asked for; else empty.
 */
struct dns_answer {
	enum dns_status		status;
	bool			secure;	/* validated from a trust anchor, the
					 * CNAMEs and a negative answer too */
	bool			cut;	/* records left out: over a limit */
	uint32_t		ttl;	/* seconds; at most DNS_TTL_MAX */
	enum dns_type		type;	/* that was asked for */
	struct slice		canonical;
	struct slice		why;	/* TEMPFAIL and BOGUS: for the log */
	uint16_t		count;	/* records for dns_answer_next */
	struct ipc_reader	records;
};

/* decode has checked every record: next cannot fail, only end. */
int dns_answer_decode(struct slice body, struct dns_answer *);
bool dns_answer_next(struct dns_answer *, struct dns_record *);

/*
 * Build one: begin with all but the records (count and records are not
 * looked at), add, end.  add answers false and marks the answer as cut when
 * the record does not fit or is not valid; the length is 0 when what begin
 * was given was not valid.  A DNS_OK without any record becomes DNS_NODATA.
 */
struct dns_builder {
	struct ipc_writer	w;
	struct dns_answer	head;
	size_t			head_len;
};

void dns_builder_begin(struct dns_builder *, const struct dns_answer *,
    uint8_t buf[DNS_ANSWER_MAX]);
bool dns_builder_add(struct dns_builder *, const struct dns_record *);
size_t dns_builder_end(struct dns_builder *);

/* DNS_CANCEL has no body: its id says which question. */

#endif
