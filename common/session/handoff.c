#include "common/session/handoff.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/ipc/codec.h"

enum { HANDOFF_VERSION = 2 };

size_t
handoff_encode(const struct handoff *h, void *buf, size_t size)
{
	struct ipc_writer w;

	if (h->tag.len > HANDOFF_TAG_MAX || h->user.len > HANDOFF_USER_MAX)
		return 0;
	ipc_writer_init(&w, buf, size);
	ipc_put_u8(&w, HANDOFF_VERSION);
	ipc_put_u64(&w, h->session);
	ipc_put_u8(&w, (uint8_t)h->client.family);
	ipc_put_u16(&w, h->client.port);
	ipc_put_raw(&w, h->client.octets, sizeof(h->client.octets));
	ipc_put_bytes(&w, h->tag);
	ipc_put_bytes(&w, h->user);
	ipc_put_u8(&w, h->flags);
	return w.failed ? 0 : w.len;
}

int
handoff_decode(struct slice in, struct handoff *h)
{
	struct ipc_reader r;
	uint8_t version, family;

	*h = (struct handoff){ .session = 0 };
	ipc_reader_init(&r, in);
	version = ipc_get_u8(&r);
	h->session = ipc_get_u64(&r);
	family = ipc_get_u8(&r);
	h->client.port = ipc_get_u16(&r);
	ipc_get_raw(&r, h->client.octets, sizeof(h->client.octets));
	h->tag = ipc_get_bytes(&r, HANDOFF_TAG_MAX);
	h->user = ipc_get_bytes(&r, HANDOFF_USER_MAX);
	h->flags = ipc_get_u8(&r);
	if (version != HANDOFF_VERSION || (h->flags & ~HANDOFF_UTF8) != 0 ||
	    (family != NET_IPV4 && family != NET_IPV6))
		return -1;
	h->client.family = (enum net_family)family;
	return ipc_reader_end(&r);
}

int
handoff_write(const struct handoff *h)
{
	char buf[HANDOFF_MAX];
	size_t len = handoff_encode(h, buf, sizeof(buf));
	int fd;

	if (len == 0) {
		errno = EMSGSIZE;
		return -1;
	}
	fd = memfd_create("handoff", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -1;
	if (pwrite(fd, buf, len, 0) != (ssize_t)len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW |
	    F_SEAL_SHRINK | F_SEAL_SEAL) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

int
handoff_read(int fd, void *buf, struct handoff *h)
{
	struct stat sb;
	ssize_t n;

	if (fstat(fd, &sb) == -1)
		return -1;
	if (!S_ISREG(sb.st_mode) || sb.st_size <= 0 ||
	    sb.st_size > HANDOFF_MAX) {
		errno = EBADMSG;
		return -1;
	}
	if ((n = pread(fd, buf, (size_t)sb.st_size, 0)) == -1)
		return -1;
	if (handoff_decode(slice_of(buf, (size_t)n), h) == -1) {
		errno = EBADMSG;
		return -1;
	}
	return 0;
}
