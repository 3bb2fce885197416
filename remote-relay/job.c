#include "remote-relay/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
take_recipients(struct job *j)
{
	struct relay_recipient r;

	j->rcpt = calloc(j->y.n_recipients, sizeof(*j->rcpt));
	if (j->rcpt == NULL)
		return -1;
	while (j->n < j->y.n_recipients && relay_next(&j->y, &r))
		j->rcpt[j->n++].r = r;
	j->open = j->n;
	return 0;
}

struct job *
job_new(struct slice body, int fd)
{
	struct job *j = calloc(1, sizeof(*j) + body.len);

	if (j == NULL)
		return NULL;
	j->fd = -1;
	memcpy(j->body, body.at, body.len);
	if (relay_decode(slice_of(j->body, body.len), &j->y) == -1) {
		free(j);
		errno = EBADMSG;
		return NULL;
	}
	if (take_recipients(j) == -1) {
		free(j);
		errno = ENOMEM;
		return NULL;
	}
	j->fd = fd;
	return j;
}

void
job_free(struct job *j)
{
	if (j->fd != -1)
		close(j->fd);
	free(j->rcpt);
	free(j);
}

void
job_reopen(struct job *j)
{
	for (unsigned i = 0; i < j->n; i++)
		if (j->rcpt[i].state != JOB_DONE)
			j->rcpt[i].state = JOB_OPEN;
}
