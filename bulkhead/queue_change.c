/* bulkhead queue flush, hold, release, retry, delete. */
#include "bulkhead/queue.h"

#include <inttypes.h>
#include <stdio.h>
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

static int
change_one(struct bulkhead *b, enum queue_verb verb, const char *id,
    const char *done_text)
{
	struct queue_ask ask = { .verb = verb };
	struct queue_done done;
	int status;

	if ((status = queue_id_parse(id, &ask.queue_id)) == 0 &&
	    (status = change(b, &ask, id, &done)) == 0)
		printf("%012" PRIx64 " %s\n", ask.queue_id, done_text);
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
	return change_one(b, QUEUE_HOLD, argv[0], "is held");
}

int
do_queue_release(struct bulkhead *b, int argc, char *argv[])
{
	(void)argc;
	return change_one(b, QUEUE_RELEASE, argv[0], "goes on");
}

int
do_queue_retry(struct bulkhead *b, int argc, char *argv[])
{
	(void)argc;
	return change_one(b, QUEUE_RETRY, argv[0], "will be tried now");
}

int
do_queue_delete(struct bulkhead *b, int argc, char *argv[])
{
	(void)argc;
	return change_one(b, QUEUE_DELETE, argv[0], "is deleted");
}
