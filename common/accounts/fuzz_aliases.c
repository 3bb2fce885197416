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

	assert((v == BOOK_LOCAL || v == BOOK_RELAY) == (canonical[0] != '\0'));
	if (book_expand(book, address, &x) == BOOK_LOCAL)
		assert(v == BOOK_LOCAL);
	for (size_t i = 0; i < x.count; i++) {
		struct slice final = slice_str(book_target_address(&x, i));

		/* What is a program is no mailbox, and is found again. */
		char text[ALIASES_PROGRAM_MAX + 1];

		assert((x.targets[i].kind == BOOK_TARGET_PROGRAM) ==
		    book_program(book, final, text));
		/* What is said to be a mailbox is one, and nothing else is. */
		v = book_mailbox(book, final, &m);
		assert((x.targets[i].kind == BOOK_TARGET_MAILBOX) ==
		    (v == BOOK_LOCAL));
		assert(v != BOOK_LOCAL || account_valid(m.account));
		assert(final.len <= BOOK_ADDRESS_SIZE);
	}
	book_expansion_clear(&x);
}

static const struct alias_list lists[] = {
	{ "l", SLICE_LITERAL("a\nb@x, c@else\n:include:m\n") },
	{ "m", SLICE_LITERAL("a@y\n") },
	{ "n", SLICE_LITERAL(":include:n\n|bad\n") },
};

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
	struct recipients_table *recipients;

	if (nul != NULL) {
		text.len = (size_t)(nul - text.at);
		address = slice_of(nul + 1, size - text.len - 1);
	}
	aliases = aliases_compile(text, lists,
	    sizeof(lists) / sizeof(lists[0]),
	    text.len % 2 == 0 ? ALIASES_PROGRAMS_TABLE : ALIASES_PROGRAMS_LISTS,
	    &err);
	domains = domains_compile(SLICE_LITERAL("x\ny virtual\n"
	    "r relay\no relay unchecked\nz alias of x\n"),
	    SLICE_LITERAL("x"), &err);
	users = users_compile(SLICE_LITERAL("a@x 1\nb@x 2\na@y 3\n"), &err);
	recipients = recipients_compile(SLICE_LITERAL("a@r\n"), &err);
	assert(recipients != NULL && domains != NULL && users != NULL);
	if (aliases != NULL) {
		book.aliases = aliases;
		book.domains = domains;
		book.users = users;
		book.recipients = recipients;
		if (book_check(&book, &err) == 0 && address.len > 0)
			ask(&book, address);
	}
	aliases_free(aliases);
	domains_free(domains);
	users_free(users);
	recipients_free(recipients);
	return 0;
}
