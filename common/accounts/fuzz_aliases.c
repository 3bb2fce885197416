/*
 * The aliases table, and what addresses mean with it.  Up to the first NUL
 * the input is a table; behind it stands an address.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/accounts/book.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ask(const struct book *book, struct slice address)
{
	char canonical[BOOK_ADDRESS_SIZE];
	enum book_verdict v = book_resolve(book, address, canonical);
	struct book_expansion x;
	struct book_mailbox m;
	const char *p = NULL;
	size_t n = 0;

	assert((v == BOOK_LOCAL) == (canonical[0] != '\0'));
	assert((book_expand(book, address, &x) == BOOK_LOCAL) ==
	    (v == BOOK_LOCAL));
	while ((p = book_expansion_next(&x, p)) != NULL) {
		/* Final: no relay, and if a mailbox, then this one. */
		v = book_mailbox(book, slice_str(p), &m);
		assert(v == BOOK_LOCAL || v == BOOK_UNKNOWN);
		assert(v == BOOK_UNKNOWN || account_valid(m.account));
		n++;
	}
	assert(n == x.count);
	book_expansion_clear(&x);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);
	struct slice address = SLICE_LITERAL("root");
	const char *nul = memchr(data, '\0', size);
	struct table_error err;
	struct book book = { .delimiter = '+' };
	struct domains_table *domains;
	struct aliases_table *aliases;
	struct users_table *users;

	if (nul != NULL) {
		text.len = (size_t)(nul - text.at);
		address = slice_of(nul + 1, size - text.len - 1);
	}
	aliases = aliases_compile(text, &err);
	domains = domains_compile(SLICE_LITERAL("x\ny virtual\n"),
	    SLICE_LITERAL("x"), &err);
	users = users_compile(SLICE_LITERAL("a@x 1\nb@x 2\na@y 3\n"), &err);
	assert(domains != NULL && users != NULL);
	if (aliases != NULL) {
		book.aliases = aliases;
		book.domains = domains;
		book.users = users;
		if (book_check(&book, &err) == 0 && address.len > 0)
			ask(&book, address);
	}
	aliases_free(aliases);
	domains_free(domains);
	users_free(users);
	return 0;
}
