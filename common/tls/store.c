/*
 * The certificates of ours that a process may show, by the names of their
 * blocks: taken batch by batch from supervisor, used when tlskeyd has the key.
 */
#include "common/tls/private.h"
#include "common/tls/stage.h"

#include <openssl/err.h>

#include <errno.h>
#include <stdlib.h>

#include <bsd/string.h>

#include "common/log/log.h"

static struct tls_certificate *
certificate_of(struct tls_store *st, const char *name)
{
	struct tls_certificate *c;

	TAILQ_FOREACH(c, &st->certificates, all)
		if (strcmp(c->name, name) == 0)
			return c;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	strlcpy(c->name, name, sizeof(c->name));
	TAILQ_INSERT_TAIL(&st->certificates, c, all);
	return c;
}

static void
certificate_free(struct tls_store *st, struct tls_certificate *c)
{
	TAILQ_REMOVE(&st->certificates, c, all);
	tls_chain_free(c->used);
	tls_chain_free(c->next);
	free(c);
}

/* Would OpenSSL show it?  A weak key or digest is found here. */
static const char *
unusable(struct tls_store *st, const struct tls_chain *chain)
{
	SSL *ssl = SSL_new(st->ctx);
	const char *why = NULL;

	ERR_clear_error();
	if (ssl == NULL)
		return "no memory";
	if (SSL_use_cert_and_key(ssl, chain->leaf, chain->key, chain->more,
	    1) != 1) {
		why = ERR_reason_error_string(ERR_peek_last_error());
		if (why == NULL)
			why = "OpenSSL does not take it";
	}
	SSL_free(ssl);
	ERR_clear_error();
	return why;
}

void
tls_store_certificate(struct tls_store *st, const char *name, int fd)
{
	struct tls_certificate *c = certificate_of(st, name);
	struct tls_chain *chain = NULL;
	const char *why = "cannot be opened";

	if (c == NULL)
		return;
	/* The order of the last batch is the order that counts. */
	TAILQ_REMOVE(&st->certificates, c, all);
	TAILQ_INSERT_TAIL(&st->certificates, c, all);
	c->named = true;
	if (fd != -1)
		chain = tls_chain_read(st->keys, fd, &why);
	if (chain != NULL && (why = unusable(st, chain)) != NULL) {
		tls_chain_free(chain);
		chain = NULL;
	}
	if (chain == NULL) {
		log_error("certificate-refused", LOG_CSTR("certificate", name),
		    LOG_CSTR("reason", why), LOG_CSTR("kept",
		    c->used != NULL ? "the one in use" : "none"));
		return;
	}
	tls_chain_free(c->next);
	c->next = chain;
}

int
tls_store_take(struct tls_store *st, struct ipc_message *m)
{
	char name[TLS_NAME_MAX + 1];
	uint32_t roles;

	if (tls_block_decode(m->body, name, &roles) == -1)
		return -1;
	tls_store_certificate(st, name, m->nfds == 1 ? m->fds[0] : -1);
	return 0;
}

static void
use(struct tls_certificate *c)
{
	tls_chain_free(c->used);
	c->used = c->next;
	c->next = NULL;
	log_info("certificate-in-use", LOG_CSTR("certificate", c->name),
	    LOG_NUM("names", c->used->n_names),
	    LOG_CSTR("first", c->used->n_names > 0 ? c->used->names[0] : ""),
	    LOG_NUM("expires", (uint64_t)c->used->expires));
}

void
tls_store_settle(struct tls_store *st)
{
	struct tls_certificate *c;

	TAILQ_FOREACH(c, &st->certificates, all)
		/* NOLINTNEXTLINE: none of the list has been freed */
		if (c->next != NULL && tls_keys_has(st->keys, &c->next->id))
			use(c);		/* NOLINT: nothing frees it */
	if (st->settled != NULL)
		st->settled(st->owner);
}

static bool
any_named(const struct tls_store *st)
{
	const struct tls_certificate *c;

	TAILQ_FOREACH(c, &st->certificates, all)
		if (c->named)
			return true;
	return false;
}

void
tls_store_commit(struct tls_store *st)
{
	struct tls_certificate *c, *next;

	if (!any_named(st))
		return;
	for (c = TAILQ_FIRST(&st->certificates); c != NULL; c = next) {
		next = TAILQ_NEXT(c, all);
		if (!c->named)
			certificate_free(st, c);
		else
			c->named = false;
	}
	tls_store_settle(st);
}

const struct tls_chain *
tls_store_find(const struct tls_store *st, const char *name)
{
	const struct tls_certificate *c;

	TAILQ_FOREACH(c, &st->certificates, all)
		if (strcmp(c->name, name) == 0)
			return c->used != NULL && tls_keys_has(st->keys,
			    &c->used->id) ? c->used : NULL;
	return NULL;
}

bool
tls_store_ready(const struct tls_store *st, const char *name)
{
	return st->keys->channel != NULL && tls_store_find(st, name) != NULL;
}

/* ---- life ---- */

void
tls_store_init(struct tls_store *st, struct tls_keys *keys, SSL_CTX *ctx,
    void (*settled)(void *owner), void *owner)
{
	*st = (struct tls_store){ .keys = keys, .ctx = ctx,
		.settled = settled, .owner = owner };
	TAILQ_INIT(&st->certificates);
	TAILQ_INSERT_TAIL(&keys->stores, st, all);
}

void
tls_store_clear(struct tls_store *st)
{
	struct tls_certificate *c;

	while ((c = TAILQ_FIRST(&st->certificates)) != NULL)
		certificate_free(st, c);	/* NOLINT: off the list */
	TAILQ_REMOVE(&st->keys->stores, st, all);
}

struct tls_store *
tls_store_new(struct tls_keys *keys)
{
	struct tls_store *st = malloc(sizeof(*st));
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (st == NULL || ctx == NULL) {
		free(st);
		SSL_CTX_free(ctx);
		errno = ENOMEM;
		return NULL;
	}
	tls_context_defaults(ctx);
	tls_store_init(st, keys, ctx, NULL, NULL);
	return st;
}

void
tls_store_free(struct tls_store *st)
{
	if (st == NULL)
		return;
	tls_store_clear(st);
	SSL_CTX_free(st->ctx);
	free(st);
}
