/*
 * The secret that the salts of names are made from that nobody has
 * (scram_verifier_invent()): they must be the same each time, also after a
 * restart, or they tell who exists.  bulkhead(8) makes the file, once, in
 * state_dir; root alone reads it, and authd gets its text.
 *
 *	%version 1
 *	64 hexadecimal digits
 */
#ifndef COMMON_SASL_SECRET_H
#define COMMON_SASL_SECRET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/accounts/table.h"
#include "common/slice/slice.h"

enum { SASL_SECRET_LEN = 32, SASL_SECRET_TEXT = 11 + 2 * SASL_SECRET_LEN + 1 };

struct sasl_secret {
	bool	there;		/* else the file is empty, or is not */
	uint8_t	octets[SASL_SECRET_LEN];
};

/* -1 with err, in which there is nothing of it. */
int sasl_secret_compile(struct slice text, struct sasl_secret *,
    struct table_error *);

/* Wipes it; NULL is fine. */
void sasl_secret_free(struct sasl_secret *);

/* A new one, as the text of a file, without a NUL. */
void sasl_secret_make(char text[SASL_SECRET_TEXT]);

#endif
