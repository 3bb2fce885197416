/* One connection: OpenSSL behind the operations of a stream's layer. */
#include "common/tls/private.h"

#include <openssl/async.h>
#include <openssl/err.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

struct tls *
tls_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

/* ---- why it failed ---- */

static const char *
library_reason(void)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = e != 0 ? ERR_reason_error_string(e) : NULL;

	return text != NULL ? text : "TLS failed";
}

static void
note_failure(struct tls *t, int error)
{
	long verified = SSL_get_verify_result(t->ssl);

	t->dead = true;
	if (t->failure != NULL)
		return;
	if (error == SSL_ERROR_SYSCALL && ERR_peek_error() == 0)
		t->failure = "connection closed";
	else if (t->verify != TLS_VERIFY_NONE && verified != X509_V_OK) {
		t->verify_failed = true;
		t->failure = X509_verify_cert_error_string(verified);
	} else
		t->failure = library_reason();
}

/* ---- the handshake ---- */

/* One call of OpenSSL, which may rest in the middle of a signature. */
static int
shake(struct tls *t)
{
	int n, error;

	ERR_clear_error();
	if (t->keys != NULL)
		t->keys->current = t;
	n = SSL_do_handshake(t->ssl);
	error = SSL_get_error(t->ssl, n);
	if (t->keys != NULL)
		t->keys->current = NULL;
	return error;
}

static enum stream_step
step_of(struct tls *t, int error)
{
	switch (error) {
	case SSL_ERROR_NONE:
		/* Reading and writing never rest. */
		SSL_clear_mode(t->ssl, SSL_MODE_ASYNC);
		t->more = SSL_has_pending(t->ssl) == 1;
		return STREAM_STEP_DONE;
	case SSL_ERROR_WANT_READ:
		return STREAM_STEP_READ;
	case SSL_ERROR_WANT_WRITE:
		return STREAM_STEP_WRITE;
	case SSL_ERROR_WANT_ASYNC:
		return STREAM_STEP_WAIT;
	case SSL_ERROR_WANT_ASYNC_JOB:
		tls_keys_crowd(t);
		return STREAM_STEP_WAIT;
	default:
		note_failure(t, error);
		return STREAM_STEP_FAILED;
	}
}

static enum stream_step
layer_handshake(void *layer)
{
	struct tls *t = layer;
	int error = shake(t);

	/* The answer is a no already: let the handshake hear it. */
	while (error == SSL_ERROR_WANT_ASYNC && tls_keys_ask(t) == -1)
		error = shake(t);
	if (error != SSL_ERROR_WANT_ASYNC &&
	    error != SSL_ERROR_WANT_ASYNC_JOB && t->keys != NULL)
		tls_keys_uncrowd(t->keys);
	return step_of(t, error);
}

/* ---- octets ---- */

/* For both directions, as errno. */
static ssize_t
trouble(struct tls *t, int error, int wanted)
{
	int saved = errno;

	if (error == wanted) {
		errno = EAGAIN;
		return -1;
	}
	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	note_failure(t, error);
	errno = error == SSL_ERROR_SYSCALL && saved != 0 ? saved : EPROTO;
	return -1;
}

static ssize_t
layer_receive(void *layer, void *at, size_t size, bool *wants_write)
{
	struct tls *t = layer;
	int n, error;

	ERR_clear_error();
	errno = 0;
	n = SSL_read(t->ssl, at, size > INT_MAX ? INT_MAX : (int)size);
	t->more = n > 0 && SSL_has_pending(t->ssl) == 1;
	if (n > 0)
		return n;
	error = SSL_get_error(t->ssl, n);
	*wants_write = error == SSL_ERROR_WANT_WRITE;
	return trouble(t, error, *wants_write ? SSL_ERROR_WANT_WRITE :
	    SSL_ERROR_WANT_READ);
}

static ssize_t
layer_send(void *layer, const void *at, size_t len)
{
	struct tls *t = layer;
	int n, error;

	ERR_clear_error();
	errno = 0;
	n = SSL_write(t->ssl, at, len > INT_MAX ? INT_MAX : (int)len);
	if (n > 0)
		return n;
	error = SSL_get_error(t->ssl, n);
	if (error == SSL_ERROR_ZERO_RETURN) {
		errno = EPIPE;
		return -1;
	}
	return trouble(t, error, SSL_ERROR_WANT_WRITE);
}

static bool
layer_pending(const void *layer)
{
	return ((const struct tls *)layer)->more;
}

/* RFC 8446 section 6.1: close_notify. */
static void
layer_close(void *layer)
{
	struct tls *t = layer;

	ERR_clear_error();
	if (!t->dead && SSL_is_init_finished(t->ssl))
		SSL_shutdown(t->ssl);
	t->dead = true;
}

static void
layer_free(void *layer)
{
	struct tls *t = layer;

	/* A handshake that rests must come to its end to give back what it
	 * holds; without a signature that is soon. */
	if (t->request != NULL) {
		tls_keys_forget(t);
		t->request->state = REQUEST_FAILED;
		shake(t);
		tls_keys_uncrowd(t->keys);
	}
	if (t->crowded)
		TAILQ_REMOVE(&t->keys->crowd, t, waiting);
	SSL_free(t->ssl);
	ERR_clear_error();
	free((void *)(uintptr_t)t->fingerprints);
	free(t);
}

static const struct stream_layer ops = {
	.handshake = layer_handshake, .receive = layer_receive,
	.send = layer_send, .pending = layer_pending, .close = layer_close,
	.free = layer_free,
};

struct tls *
tls_new(SSL *ssl, struct stream *s, struct tls_keys *keys)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (t == NULL || SSL_set_fd(ssl, stream_fd(s)) != 1) {
		free(t);
		SSL_free(ssl);
		return NULL;
	}
	t->ssl = ssl;
	t->stream = s;
	t->keys = keys;
	SSL_set_app_data(ssl, t);
	return t;
}

void
tls_drop(struct tls *t)
{
	layer_free(t);
}

struct tls *
tls_begin(struct tls *t)
{
	if (stream_secure(t->stream, &ops, t) == 0)
		return t;
	tls_drop(t);
	return NULL;
}

/* ---- what became of it ---- */

void
tls_info(const struct tls *t, struct tls_info *info)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(t->ssl);
	const char *name = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);
	const char *standard = cipher != NULL ?
	    SSL_CIPHER_standard_name(cipher) : NULL;

	*info = (struct tls_info){
		.version = SSL_get_version(t->ssl),
		.cipher = standard != NULL ? standard : "none",
		.bits = cipher != NULL ? SSL_CIPHER_get_bits(cipher, NULL) : 0,
		.resumed = SSL_session_reused(t->ssl) == 1,
		.name = name != NULL ? name : "",
		.verified = t->verify,
	};
	if (t->verify == TLS_VERIFY_DANE)
		SSL_get0_dane_tlsa(t->ssl, &info->tlsa[0], &info->tlsa[1],
		    &info->tlsa[2], NULL, NULL);
}

const char *
tls_verify_name(enum tls_verify v)
{
	static const char *const names[] = {
		[TLS_VERIFY_NONE] = "no", [TLS_VERIFY_NAME] = "name",
		[TLS_VERIFY_FINGERPRINT] = "fingerprint",
		[TLS_VERIFY_DANE] = "dane",
	};

	return (size_t)v < sizeof(names) / sizeof(names[0]) ? names[v] : "?";
}

const char *
tls_failure(const struct tls *t)
{
	return t->failure != NULL ? t->failure : "not finished";
}

bool
tls_not_verified(const struct tls *t)
{
	return t->verify_failed;
}
