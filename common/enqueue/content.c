#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/enqueue/content.h"

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

void
content_init(struct content *c)
{
	*c = (struct content){ .fd = -1 };
}

void
content_clear(struct content *c)
{
	if (c->fd != -1)
		close(c->fd);
	content_init(c);
}

static int
new_memfd(void)
{
	return memfd_create("content", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

/* What is left of iov behind the first done octets. */
static void
advance(struct iovec **iov, int *n, size_t done)
{
	while (*n > 0 && done >= (*iov)->iov_len) {
		done -= (*iov)->iov_len;
		(*iov)++;
		(*n)--;
	}
	if (*n > 0) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + done;
		(*iov)->iov_len -= done;
	}
}

static int
write_all(int fd, struct iovec *iov, int n)
{
	advance(&iov, &n, 0);
	while (n > 0) {
		ssize_t done = writev(fd, iov, n);

		if (done == -1 && errno == EINTR)
			continue;
		if (done <= 0)
			return -1;
		advance(&iov, &n, (size_t)done);
	}
	return 0;
}

int
content_append(struct content *c, struct iovec *iov, int n)
{
	size_t len = 0;

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	assert(len <= content_room(c));
	if (c->fd == -1 && (c->fd = new_memfd()) == -1)
		return -1;
	c->octets += (uint32_t)len;
	c->total += len;
	return write_all(c->fd, iov, n);
}

int
content_seal(struct content *c, uint32_t *octets)
{
	int fd;

	if (c->fd == -1 && (c->fd = new_memfd()) == -1)
		return -1;
	if (fcntl(c->fd, F_ADD_SEALS, ALL_SEALS) == -1)
		return -1;
	fd = c->fd;
	*octets = c->octets;
	c->fd = -1;
	c->octets = 0;
	c->part++;
	return fd;
}

int
content_sealed_copy(const void *at, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)at, len };
	int fd = new_memfd();

	if (fd == -1)
		return -1;
	if (write_all(fd, &iov, 1) == -1 ||
	    fcntl(fd, F_ADD_SEALS, ALL_SEALS) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

int
content_check(int fd, uint64_t octets)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals == -1 || (seals & ALL_SEALS) != ALL_SEALS)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return -1;
	return (uint64_t)st.st_size == octets ? 0 : -1;
}
