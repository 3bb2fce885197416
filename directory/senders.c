/*
 * SENDER_ASK: may this account send as this address?  Yes, where mail to the
 * address would reach its mailbox: its own name (with a detail behind it),
 * an alias that leads there, alone or among others, or the catch-all.
 */
#include "directory/directory.h"

static bool
is_mailbox_of(const struct directory *d, const char *address,
    const struct account *who)
{
	struct book_mailbox mailbox;

	return book_mailbox(&d->ways.book, slice_str(address), &mailbox) ==
	    BOOK_LOCAL && mailbox.account.kind == who->kind &&
	    mailbox.account.number == who->number;
}

enum sender_verdict
sender_verdict(const struct directory *d, const struct account *who,
    struct slice address)
{
	enum sender_verdict verdict = SENDER_FOREIGN;
	struct book_expansion x = { 0 };

	switch (book_expand(&d->ways.book, address, &x)) {
	case BOOK_LOCAL:
	case BOOK_RELAY:
		for (size_t i = 0; i < x.count; i++)
			if (is_mailbox_of(d, book_target_address(&x, i), who))
				verdict = SENDER_OWN;
		break;
	case BOOK_TOO_MUCH:
		verdict = SENDER_TEMPFAIL;
		break;
	default:
		break;
	}
	book_expansion_clear(&x);
	return verdict;
}
