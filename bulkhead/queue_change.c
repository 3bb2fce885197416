/* bulkhead queue flush, hold, release, retry, delete. */
#include "bulkhead/queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int
change(struct bulkhead *b, const struct queue_ask *ask, const char *what,
    struct queue_done *done)
{
	int fd, status;

	if ((status = queue_open(b, &fd)) != 0)
		return status;
	status = queue_ask(fd, ask, NULL, done);
	close(fd);
	if (status != 0)
		return status;
	switch (done->status) {
	case QUEUE_OK:
		return 0;
	case QUEUE_NOT_FOUND:
		return fail(1, "%s does not wait in the queue", what);
	case QUEUE_BUSY:
		return fail(EX_TEMPFAIL, "%s is being delivered at this moment: "
					 "ask again", what);
	case QUEUE_FAILED:
		break;
	}
	return fail(EX_TEMPFAIL, "%s: queue-manager could not make it durable; "
				 "the log says why", what);
}

enum { AT_ONCE = 500 };	/* messages of one question */

/* All that waits, or all for one domain or address, page by page. */
static int
change_many(struct bulkhead *b, struct queue_ask *ask, const char *what,
    const char *done_text)
{
	uint64_t affected = 0, busy = 0;
	struct queue_done done;
	int fd, status;

	ask->limit = AT_ONCE;
	if ((status = queue_open(b, &fd)) != 0)
		return status;
	do {
		status = queue_ask(fd, ask, NULL, &done);
		if (status == 0 && done.status != QUEUE_OK)
			status = fail(EX_TEMPFAIL, "queue-manager could not "
			    "make all of it durable; the log says why");
		if (status != 0)
			break;
		affected += done.affected;
		busy += done.busy;
		ask->after = done.next;
	} while (done.next != 0);
	close(fd);
	if (status == 0)
		printf("%" PRIu64 " message%s of %s %s\n", affected,
		    affected == 1 ? "" : "s", what, done_text);
	if (status == 0 && busy > 0)
		status = fail(EX_TEMPFAIL, "%" PRIu64 " more %s being delivered "
		    "at this moment: ask again", busy, busy == 1 ? "is" : "are");
	return status;
}

/* A queue id; "all"; or what has a dot, an at sign or a bracket: a domain or
 * an address. */
static int
change_some(struct bulkhead *b, enum queue_verb verb, const char *which,
    const char *one_text, const char *many_text)
{
	struct queue_ask ask = { .verb = verb,
		.destination = slice_str("") };
	struct queue_done done;
	int status;

	if (strcmp(which, "all") == 0)
		return change_many(b, &ask, "all", many_text);
	if (strpbrk(which, ".@[") != NULL) {
		ask.destination = slice_str(which);
		if (ask.destination.len > QUEUE_DESTINATION_MAX)
			return fail(EX_USAGE, "the destination is too long");
		return change_many(b, &ask, which, many_text);
	}
	if ((status = queue_id_parse(which, &ask.queue_id)) == 0 &&
	    (status = change(b, &ask, which, &done)) == 0)
		printf("%012" PRIx64 " %s\n", ask.queue_id, one_text);
	return status;
}

int
do_queue_flush(struct bulkhead *b, int argc, char *argv[])
{
	struct queue_ask ask = { .verb = QUEUE_FLUSH,
		.destination = slice_str(argc == 1 ? argv[0] : "") };
	struct queue_done done;
	int status;

	if (ask.destination.len > QUEUE_DESTINATION_MAX)
		return fail(EX_USAGE, "the destination is too long");
	status = change(b, &ask, "the queue", &done);
	if (status == 0)
		printf("%" PRIu64 " message%s will be tried now\n",
		    done.affected, done.affected == 1 ? "" : "s");
	return status;
}

int
do_queue_hold(struct bulkhead *b, int argc, char *argv[])
{
	(void)argc;
	return change_some(b, QUEUE_HOLD, argv[0], "is held", "held");
}

int
do_queue_release(struct bulkhead *b, int argc, char *argv[])
{
	(void)argc;
	return change_some(b, QUEUE_RELEASE, argv[0], "goes on", "released");
}

int
do_queue_retry(struct bulkhead *b, int argc, char *argv[])
{
	(void)argc;
	return change_some(b, QUEUE_RETRY, argv[0], "will be tried now",
	    "will be tried now");
}

int
do_queue_delete(struct bulkhead *b, int argc, char *argv[])
{
	(void)argc;
	return change_some(b, QUEUE_DELETE, argv[0], "is deleted", "deleted");
}
