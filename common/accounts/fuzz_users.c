/* The users table: every row that was taken is found again by both keys. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/accounts/account.h"
#include "common/accounts/username.h"
#include "common/accounts/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.at[i] & 0x80) != 0)
			return false;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct account_rules rules = { .uid_base = 1000,
		.uid_count = ACCOUNT_NUMBER_MAX, .mail_root = "/mail" };
	struct table_error err;
	struct users_table *t = users_compile(slice_of(data, size), &err);

	if (t == NULL) {
		assert(strnlen(err.text, sizeof(err.text)) > 0);
		return 0;
	}
	for (size_t i = 0; i < users_count(t); i++) {
		const struct user *u = users_at(t, i);
		char canonical[USERNAME_SIZE];
		struct account_place p;

		assert(users_by_name(t, u->name) == u);
		assert(users_by_number(t, u->number) == u);
		assert(u->number > 0 && u->number <= users_highest(t));
		/* Beyond ASCII a name may stand there in a spelling under
		 * which nobody finds it; `bulkhead check` says so. */
		if (is_ascii(u->name)) {
			assert(username_canonical(u->name, canonical) == 0);
			assert(slice_equal(u->name, slice_str(canonical)));
		}
		if (account_locate(&rules, t, NULL, (struct account){
		    ACCOUNT_VIRTUAL, u->number }, &p) == 0) {
			assert(p.uid == 1000 + u->number && p.uid != 0);
			assert(p.home[0] == '/' && p.home[1] != '\0');
			assert(strstr(p.home, "/../") == NULL);
		}
	}
	users_free(t);
	return 0;
}
