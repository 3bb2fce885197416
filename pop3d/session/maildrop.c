#include "pop3d/session/maildrop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static int
measure(struct maildrop *d)
{
	d->count = folder_count(d->inbox);
	d->sizes = calloc(d->count + 1, sizeof(*d->sizes));
	d->marked = calloc(d->count + 1, sizeof(*d->marked));
	if (d->sizes == NULL || d->marked == NULL)
		return -1;
	for (unsigned long n = 1; n <= d->count; n++) {
		uint64_t *size = &d->sizes[n - 1];

		/* Gone meanwhile: it is listed, and RETR will say so. */
		if (folder_message_size(d->inbox, n, size) == -1 &&
		    errno != ENOENT)
			return -1;
		d->octets += *size;
	}
	return 0;
}

int
maildrop_open(struct maildrop *d, int home_fd)
{
	struct folder_name inbox = { .disk = "" };
	int saved;

	*d = (struct maildrop){ .mailbox = NULL };
	if (mailbox_open(home_fd, &d->mailbox) == 0 &&
	    folder_open(d->mailbox, &inbox, 0, &d->inbox) == 0 &&
	    folder_maildrop_lock(d->inbox) == 0 &&
	    folder_sync(d->inbox, 0, NULL) == 0 && measure(d) == 0)
		return 0;
	saved = errno;
	maildrop_close(d);
	errno = saved;
	return -1;
}

void
maildrop_close(struct maildrop *d)
{
	if (d->inbox != NULL)
		folder_close(d->inbox);
	mailbox_close(d->mailbox);
	free(d->sizes);
	free(d->marked);
	d->mailbox = NULL;
	d->inbox = NULL;
	d->sizes = NULL;
	d->marked = NULL;
}

bool
maildrop_has(const struct maildrop *d, unsigned long n)
{
	return n >= 1 && n <= d->count && !d->marked[n - 1];
}

uint64_t
maildrop_size(const struct maildrop *d, unsigned long n)
{
	assert(n >= 1 && n <= d->count);
	return d->sizes[n - 1];
}

void
maildrop_mark(struct maildrop *d, unsigned long n)
{
	assert(maildrop_has(d, n));
	d->marked[n - 1] = true;
	d->marked_count++;
	d->marked_octets += d->sizes[n - 1];
}

void
maildrop_unmark_all(struct maildrop *d)
{
	for (unsigned long n = 0; n < d->count; n++)
		d->marked[n] = false;
	d->marked_count = 0;
	d->marked_octets = 0;
}

int
maildrop_update(struct maildrop *d)
{
	uint32_t *numbers;
	size_t n = 0, removed = 0;
	int result;

	if (d->marked_count == 0)
		return 0;
	numbers = calloc(d->marked_count, sizeof(*numbers));
	if (numbers == NULL)
		return -1;
	for (unsigned long i = 1; i <= d->count; i++)
		if (d->marked[i - 1])
			numbers[n++] = (uint32_t)i;
	result = folder_expunge(d->inbox, numbers, n, true, &removed);
	d->removed = removed;
	free(numbers);
	return result;
}
