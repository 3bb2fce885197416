/* One command, whatever is in it; what is accepted obeys the limits. */
#include <assert.h>
#include <stdint.h>

#include "imapd/session/command.h"
#include "imapd/session/pattern.h"
#include "imapd/session/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_set(struct set *set)
{
	set_normalise(set, 1000);
	for (size_t i = 0; i < set->len; i++) {
		assert(set->range[i].first <= set->range[i].last);
		assert(i == 0 ||
		    set->range[i].first > set->range[i - 1].last + 1);
		assert(set_has(set, set->range[i].first));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct imap_command c;
	enum imap_fault fault;
	struct literal l;

	(void)literal_at_end(slice_of(data, size), &l);
	(void)command_is_utf8(slice_of(data, size));
	if (imap_command_parse(slice_of(data, size), &arena, &c, &fault) ==
	    PARSE_OK) {
		assert(c.tag.len > 0 && c.verb < IMAP_VERBS);
		assert(c.fetch.len <= FETCH_ITEMS_MAX);
		assert(c.search.len <= SEARCH_STEPS_MAX);
		assert(arena.used <= ARENA_MAX);
		check_set(&c.set);
		if (c.verb == IMAP_SEARCH) {
			static enum truth v[SEARCH_STEPS_MAX];
			static enum truth stack[SEARCH_STEPS_MAX];
			(void)search_combine(&c.search, v, stack);
		}
		for (size_t i = 0; i < c.list.patterns; i++) {
			struct pattern p;
			if (pattern_make(c.list.reference, c.list.pattern[i],
			    &p) == PARSE_OK)
				(void)pattern_matches(&p,
				    slice_str("a.b.INBOX.x"), '.', NULL);
		}
	}
	arena_clear(&arena);
	return 0;
}
