/*
 * The users table: bulkhead-users(5).  One line for each virtual user,
 *
 *	local@domain NUMBER [home=PATH] [quota=SIZE] [messages=COUNT]
 *
 * and one for each number that was given once and is free no more:
 *
 *	!removed NUMBER
 */
#ifndef COMMON_ACCOUNTS_USERS_H
#define COMMON_ACCOUNTS_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/accounts/table.h"
#include "common/slice/slice.h"

struct user {
	struct slice	name;	/* local@domain, canonical */
	struct slice	home;	/* absolute path; empty: by the rule */
	uint32_t	number;
	bool has_quota, has_messages;
	uint64_t quota_octets;   /* valid when has_quota; 0: none */
	uint64_t quota_messages; /* valid when has_messages; 0: none */
	unsigned	line;
};

struct users_table;

/*
 * Compile the text of a users table.
 *
 * Refused: a name outside the grammar of username.h or without a domain, a
 * number that is not 1 to ACCOUNT_NUMBER_MAX, a name or number that stands
 * there twice (removed ones count), a home that is not an absolute path
 * without "." and "..", a quota that is no number, and any word not known.
 *
 * Returns NULL with err.  The table keeps its own copy of the text; free it
 * with users_free.
 */
struct users_table *users_compile(struct slice text, struct table_error *);
void users_free(struct users_table *);

/* NULL where there is none.  name must be canonical. */
const struct user *users_by_name(const struct users_table *,
    struct slice name);
const struct user *users_by_number(const struct users_table *,
    uint32_t number);

/* All users, in no order that means anything. */
size_t users_count(const struct users_table *);
const struct user *users_at(const struct users_table *, size_t i);

/* The greatest number that the table names, removed ones too; 0: none. */
uint32_t users_highest(const struct users_table *);

#endif
