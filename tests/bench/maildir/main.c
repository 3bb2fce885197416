/*
 * How many messages a second go into Maildirs, durably?
 *
 *	tests-bench-maildir DIR OWNERS MESSAGES BATCH SIZE
 *
 * MESSAGES of SIZE octets to each of OWNERS homes below DIR, a process for each
 * (as the delivery workers are), BATCH of them at a time.  DIR must exist.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/mailbox/deliver.h"

struct bench {
	const char	*dir;
	unsigned	 owners, messages, batch, size;
};

static unsigned
number(const char *s)
{
	unsigned long long n;

	if (slice_number(slice_str(s), 100000000, &n) == -1 || n == 0)
		errx(64, "not a number: %s", s);
	return (unsigned)n;
}

static int
content(size_t size)
{
	static const char line[] =
	    "Sixty-four octets with their line end, as bench mail has it...\r\n";
	int fd = memfd_create("content", MFD_CLOEXEC);
	size_t len = 0;

	if (fd == -1)
		err(71, "memfd_create");
	for (; len < size; len += sizeof(line) - 1)
		if (write(fd, line, sizeof(line) - 1) == -1)
			err(71, "write");
	if (ftruncate(fd, (off_t)size) == -1)
		err(71, "ftruncate");
	return fd;
}

static void
deliver_all(const struct bench *b, struct mailbox *mb)
{
	static struct delivery_item items[DELIVER_BATCH_MAX];
	int fd = content(b->size);
	unsigned sent = 0;

	while (sent < b->messages) {
		unsigned n = 0;

		for (; n < b->batch && sent < b->messages; n++, sent++)
			items[n] = (struct delivery_item){ .fd = fd, .d = {
				.queue_id = sent, .nonce = 1, .number = 1,
				.content_size = b->size,
				.reverse_path = SLICE_LITERAL("a@example.net"),
				.recipient = SLICE_LITERAL("b@example.org"),
			} };
		mailbox_deliver(mb, items, n);
		for (unsigned i = 0; i < n; i++)
			if (items[i].result.result != DELIVERY_DELIVERED)
				errx(75, "%.*s", (int)items[i].result.text.len,
				    items[i].result.text.at);
	}
}

static void
owner(const struct bench *b, unsigned i)
{
	char path[4096];
	struct mailbox *mb;
	int fd;

	snprintf(path, sizeof(path), "%s/%u", b->dir, i);
	if (mkdir(path, 0700) == -1)
		err(73, "%s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	if (fd == -1 || mailbox_open(fd, &mb) == -1)
		err(73, "%s", path);
	deliver_all(b, mb);
	mailbox_close(mb);
}

int
main(int argc, char *argv[])
{
	struct bench b;
	struct timespec from, to;
	int status, failed = 0;
	double s;

	if (argc != 6)
		errx(64, "usage: %s dir owners messages batch size", argv[0]);
	b = (struct bench){ argv[1], number(argv[2]), number(argv[3]),
		number(argv[4]), number(argv[5]) };
	if (b.batch > DELIVER_BATCH_MAX)
		errx(64, "a batch has at most %d", DELIVER_BATCH_MAX);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (unsigned i = 0; i < b.owners; i++)
		if (fork() == 0) {
			owner(&b, i);
			_exit(0);
		}
	while (wait(&status) != -1)
		failed |= status;
	clock_gettime(CLOCK_MONOTONIC, &to);
	s = (double)(to.tv_sec - from.tv_sec) +
	    (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	printf("owners=%u batch=%u size=%u messages=%u seconds=%.3f rate=%.0f\n",
	    b.owners, b.batch, b.size, b.owners * b.messages, s,
	    b.owners * b.messages / s);
	return failed != 0;
}
