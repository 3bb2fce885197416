/*
 * The passwords table: bulkhead-passwords(5).  One line for each virtual
 * user who may log in,
 *
 *	NUMBER HASH [SCRAM [APOP]]
 *
 * HASH is crypt(5)'s, of a modern form.  SCRAM is the verifier of RFC 5803
 * for SCRAM-SHA-256, or "-".  APOP is the password itself in base64, for those
 * few who must have that command of POP3.  The file is secret: only root reads it, only
 * authd gets it, and its text is wiped with it.
 */
#ifndef COMMON_ACCOUNTS_PASSWORDS_H
#define COMMON_ACCOUNTS_PASSWORDS_H

#include <stddef.h>
#include <stdint.h>

#include "common/accounts/table.h"
#include "common/sasl/base64.h"
#include "common/slice/slice.h"

/* A password is 1 to 255 octets, without NUL. */
#define PASSWORD_MAX		255
/* The longest hash of crypt(3), its NUL included (CRYPT_OUTPUT_SIZE). */
#define PASSWORD_HASH_SIZE	384
/* The longest SCRAM verifier, its NUL included. */
#define PASSWORD_SCRAM_SIZE	256
/* A password in base64, its NUL included. */
#define PASSWORD_APOP_SIZE	(SASL_BASE64_LEN(PASSWORD_MAX) + 1)

struct password {
	uint32_t	number;
	unsigned	line;
	struct slice	hash;
	struct slice	scram;		/* empty: none */
	struct slice	apop;		/* empty: none */
};

struct passwords_table;

/*
 * Compile the text of a passwords table.  Refused: a number outside 1 to
 * ACCOUNT_NUMBER_MAX or there twice, a hash that password_hash_valid or a
 * verifier that password_scram_valid refuses.  No message quotes a secret.
 *
 * Returns NULL with err.  The table keeps its own copy of the text.
 */
struct passwords_table *passwords_compile(struct slice text,
    struct table_error *);
/* Wipes, then frees. */
void passwords_free(struct passwords_table *);

/* NULL where there is none. */
const struct password *passwords_find(const struct passwords_table *,
    uint32_t number);
size_t passwords_count(const struct passwords_table *);

/*
 * A hash to work on for a user who does not exist, so that the answer takes
 * as long as for one who does: one of those with the method and cost that
 * most of the table has.  Empty where the table is empty.
 */
struct slice passwords_typical(const struct passwords_table *);

/*
 * The same for SCRAM: a verifier with the number of iterations that most of
 * them have.  Empty where no line has one.
 */
struct slice passwords_typical_scram(const struct passwords_table *);
/* Lines with a verifier; with a secret for APOP. */
size_t passwords_scram_count(const struct passwords_table *);
size_t passwords_apop_count(const struct passwords_table *);

/*
 * A whole hash of yescrypt, gost-yescrypt, scrypt, bcrypt, SHA-512 or
 * SHA-256 crypt?  DES, MD5 and anything shorter than a real one are not.
 */
bool password_hash_valid(struct slice);

/* Base64 of 1 to PASSWORD_MAX octets? */
bool password_apop_valid(struct slice);

/* RFC 5803: SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey */
bool password_scram_valid(struct slice);

#endif
