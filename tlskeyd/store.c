/*
 * Which keys there are.  A block whose files do not do keeps what it had; a
 * key that is replaced stays for one more batch, because the certificate of
 * it is still being served by who has not been told yet.
 */
#include "tlskeyd/tlskeyd.h"

#include <stdlib.h>

#include <bsd/string.h>

#include "common/log/log.h"

static struct block *
block_of(struct tlskeyd *d, const char *name)
{
	struct block *b;

	TAILQ_FOREACH(b, &d->blocks, all)
		if (strcmp(b->name, name) == 0)
			return b;
	if (d->n_blocks == TLS_CERTIFICATES_MAX ||
	    (b = calloc(1, sizeof(*b))) == NULL)
		return NULL;
	strlcpy(b->name, name, sizeof(b->name));
	TAILQ_INSERT_TAIL(&d->blocks, b, all);
	d->n_blocks++;
	return b;
}

static void
block_free(struct tlskeyd *d, struct block *b)
{
	TAILQ_REMOVE(&d->blocks, b, all);
	d->n_blocks--;
	pair_clear(&b->used);
	pair_clear(&b->former);
	pair_clear(&b->next);
	free(b);
}

int
store_take(struct tlskeyd *d, struct ipc_message *m)
{
	char name[TLS_NAME_MAX + 1];
	const char *why = "chain or key cannot be opened";
	struct block *b;
	uint32_t roles;

	if (tls_block_decode(m->body, name, &roles) == -1 || m->nfds == 1)
		return -1;
	d->batch = true;
	if ((b = block_of(d, name)) == NULL) {
		log_error("key-refused", LOG_CSTR("certificate", name),
		    LOG_CSTR("reason", "too many, or no memory"));
		return 0;
	}
	b->named = true;
	b->next_roles = roles;
	pair_clear(&b->next);
	if (m->nfds == 2)
		why = pair_read(&b->next, m->fds[0], m->fds[1]);
	if (why != NULL)
		log_error("key-refused", LOG_CSTR("certificate", name),
		    LOG_CSTR("reason", why), LOG_CSTR("kept",
		    b->used.key != NULL ? "the one in use" : "none"));
	return 0;
}

static bool
same_key(const struct pair *a, const struct pair *b)
{
	return a->key != NULL && b->key != NULL &&
	    memcmp(&a->id, &b->id, sizeof(a->id)) == 0;
}

static bool
block_commit(struct block *b)
{
	bool changed = b->roles != b->next_roles || b->former.key != NULL;

	b->roles = b->next_roles;
	pair_clear(&b->former);
	if (b->next.key == NULL)
		return changed;
	if (same_key(&b->used, &b->next))
		pair_clear(&b->used);	/* renewed with the key it had */
	else
		changed = true;
	b->former = b->used;
	b->used = b->next;
	b->next = (struct pair){ 0 };
	return changed;
}

bool
store_commit(struct tlskeyd *d)
{
	bool changed = false;
	struct block *b, *next;

	if (!d->batch)
		return false;
	d->batch = false;
	for (b = TAILQ_FIRST(&d->blocks); b != NULL; b = next) {
		next = TAILQ_NEXT(b, all);
		if (b->named) {
			b->named = false;
			changed |= block_commit(b);
		} else {
			block_free(d, b);
			changed = true;
		}
	}
	return changed;
}

static bool
is(const struct pair *p, const struct tls_key_id *id)
{
	return p->key != NULL && memcmp(&p->id, id, sizeof(*id)) == 0;
}

const struct pair *
store_find(const struct tlskeyd *d, enum ipc_role role,
    const struct tls_key_id *id)
{
	const struct block *b;

	TAILQ_FOREACH(b, &d->blocks, all) {
		if ((b->roles & IPC_BIT(role)) == 0)
			continue;
		if (is(&b->used, id))
			return &b->used;
		if (is(&b->former, id))
			return &b->former;
	}
	return NULL;
}

size_t
store_list(const struct tlskeyd *d, enum ipc_role role,
    struct tls_key_id *ids)
{
	const struct block *b;
	size_t n = 0;

	TAILQ_FOREACH(b, &d->blocks, all) {
		if ((b->roles & IPC_BIT(role)) == 0)
			continue;
		if (b->used.key != NULL && n < TLS_KEYS_MAX)
			ids[n++] = b->used.id;
		if (b->former.key != NULL && n < TLS_KEYS_MAX)
			ids[n++] = b->former.id;
	}
	return n;
}

void
store_clear(struct tlskeyd *d)
{
	struct block *b;

	while ((b = TAILQ_FIRST(&d->blocks)) != NULL)
		block_free(d, b);	/* NOLINT: off the list */
}
