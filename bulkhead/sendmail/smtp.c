/*
 * -bs: the caller speaks SMTP, and we only carry octets between standard
 * input and output and the injection socket.
 */
#include "bulkhead/sendmail/client.h"
#include "bulkhead/sendmail/sendmail.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

static int
write_all(int fd, const char *at, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Carry what there is.  1, 0 at the end, -1 on failure. */
static int
carry(int from, int to)
{
	char buf[16384];
	ssize_t n = read(from, buf, sizeof(buf));

	if (n == -1)
		return errno == EINTR ? 1 : -1;
	if (n == 0)
		return 0;
	return write_all(to, buf, (size_t)n) == -1 ? -1 : 1;
}

static int
open_socket(const struct sendmail_site *site)
{
	struct patience patience;
	int fd;

	patience_init(&patience, site->wait_s);
	do
		fd = client_connect(site->socket_path);
	while (fd == -1 && patience_left(&patience));
	return fd;
}

int
sendmail_smtp(const struct sendmail_site *site)
{
	int fd = open_socket(site), got = 1;
	struct pollfd ready[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};

	if (fd == -1)
		return sendmail_fail(EX_TEMPFAIL,
		    "the mail system cannot be reached: %s: %s",
		    site->socket_path, strerror(errno));
	/* Until the suite has said its last word, though we have nothing
	 * more to say. */
	while (got == 1) {
		if (poll(ready, 2, -1) == -1)
			break;
		if (ready[0].revents != 0 && carry(STDIN_FILENO, fd) != 1) {
			shutdown(fd, SHUT_WR);
			ready[0].fd = -1;
			ready[0].revents = 0;
		}
		if (ready[1].revents != 0)
			got = carry(fd, STDOUT_FILENO);
	}
	close(fd);
	return got == 0 ? 0 : sendmail_fail(EX_IOERR,
	    "the connection broke: %s", strerror(errno));
}
