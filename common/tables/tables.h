/*
 * The lookup tables of a stage, in use and on their way: texts come as
 * descriptors (common/stage), are compiled at the commit, and take the place
 * of the old ones.  Each table stands for itself: one that is broken leaves
 * the old one in use, is logged with file and line, and does not hold the
 * others back.
 */
#ifndef COMMON_TABLES_TABLES_H
#define COMMON_TABLES_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/accounts/book.h"
#include "common/accounts/passwords.h"
#include "common/accounts/routes.h"
#include "common/idn/idn.h"
#include "common/sasl/secret.h"
#include "common/srs/srs.h"
#include "common/stage/stage.h"

/* What compiling needs from the settings. */
struct tables_rules {
	const char	*hostname;	/* the domain while none is named */
	char		 delimiter;	/* of a detail; NUL: none */
	uint32_t	 system_min;	/* 0: no system users */
	uint32_t	 system_max;
	enum aliases_programs programs;	/* what aliases may name */
};

struct tables {
	unsigned	 wanted;	/* STAGE_TABLE_BITs of this stage */
	/* Set by a stage that takes international domain names in its tables
	 * (idn_text); NULL: they are refused. */
	char		*(*to_ascii)(struct slice, enum idn_words,
			    size_t *len);
	/* In use; NULL before the first commit, and what is not wanted. */
	struct domains_table	*domains;
	struct aliases_table	*aliases;
	struct users_table	*users;
	struct passwords_table	*passwords;
	struct system_users	*system;
	struct recipients_table	*recipients;
	struct routes_table	*routes;
	struct srs_secrets	*srs_secrets;
	struct sasl_secret	*scram_secret;
	/* Texts that came since the last commit. */
	struct tables_text {
		char		*at;	/* NULL: this one did not come */
		size_t		 len;
	} fresh[STAGE_TABLE_COUNT];
	/* Lists that came, for the aliases of the same batch. */
	struct tables_list {
		char	*name;
		struct tables_text text;
	} *lists;
	size_t		 n_lists;
	bool		 failed;	/* one of them could not be read */
};

void tables_init(struct tables *, unsigned wanted);
/* Wipes the passwords. */
void tables_clear(struct tables *);

/* Read a table's text, to be compiled at the commit; the descriptor stays
 * the caller's. */
void tables_take(struct tables *, enum stage_table, int fd);

/* The same of a list that the aliases of this batch may include.  One that
 * cannot be read is logged, and missing. */
void tables_take_list(struct tables *, struct slice name, int fd);

/*
 * Compile what came, and use it.  0, or -1 when a table was refused or a
 * wanted one has never come.  *changed is the set of STAGE_TABLE_BITs that
 * are new in use.
 */
int tables_commit(struct tables *, const struct tables_rules *,
    unsigned *changed);

/* The address book over the tables in use. */
struct book tables_book(const struct tables *, const struct tables_rules *);

#endif
