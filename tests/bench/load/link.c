#include "tests/bench/load/link.h"

#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <unistd.h>

SSL_CTX *
link_tls(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL)
		errx(71, "TLS");
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Each connection a handshake of its own, the dearest case. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return ctx;
}

void
link_open(struct link *l, int fd, SSL_CTX *ctx)
{
	l->fd = fd;
	l->ssl = NULL;
	if (ctx == NULL)
		return;
	if ((l->ssl = SSL_new(ctx)) == NULL || SSL_set_fd(l->ssl, fd) != 1)
		errx(71, "TLS");
	SSL_set_connect_state(l->ssl);
	SSL_do_handshake(l->ssl);	/* what the first octets need */
}

void
link_close(struct link *l)
{
	SSL_free(l->ssl);
	close(l->fd);
	l->ssl = NULL;
	l->fd = -1;
}

static ssize_t
answer(struct link *l, int n)
{
	if (n > 0)
		return n;
	switch (SSL_get_error(l->ssl, n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		errno = EPROTO;
		return -1;
	}
}

ssize_t
link_send(struct link *l, const void *octets, size_t len)
{
	if (l->ssl == NULL)
		return send(l->fd, octets, len, MSG_NOSIGNAL);
	return answer(l, SSL_write(l->ssl, octets, (int)len));
}

ssize_t
link_receive(struct link *l, void *octets, size_t len)
{
	if (l->ssl == NULL)
		return recv(l->fd, octets, len, 0);
	return answer(l, SSL_read(l->ssl, octets, (int)len));
}
