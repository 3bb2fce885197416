/* bulkhead queue list, bulkhead queue show, mailq. */
#include "bulkhead/queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct listing {
	uint64_t	messages;
	uint64_t	octets;
	bool		details;	/* of `queue show` */
};

static char
mark(enum queue_row_state state)
{
	return state == QUEUE_ROW_ACTIVE ? '*' :
	    state == QUEUE_ROW_HELD	 ? '!' :
					   ' ';
}

static void
print_message(void *ctx, const struct queue_row *m)
{
	struct listing *l = ctx;
	char when[QUEUE_TIME_SIZE];

	if (l->messages++ == 0 && !l->details)
		printf("%-13s %9s  %-19s  %s\n", "queue id", "octets",
		    "arrival", "reverse-path, then recipients");
	l->octets += m->content_octets;
	printf("%012" PRIx64 "%c %9" PRIu64 "  %-19s  <", m->queue_id,
	    mark(m->state), m->content_octets, queue_time(m->arrival, when));
	queue_print_text(m->reverse_path);
	printf(">\n");
	if (m->n_recipients > m->n_listed)
		printf("%46s(%u of %u recipients)\n", "",
		    (unsigned)m->n_listed, (unsigned)m->n_recipients);
}

static void
print_recipient(void *ctx, const struct queue_recipient_row *r)
{
	const struct listing *l = ctx;
	char when[QUEUE_TIME_SIZE];

	if (r->reason.len > 0) {
		printf("%16s(", "");
		queue_print_text(r->reason);
		printf(")\n");
	}
	printf("%46s", "");
	queue_print_text(r->address);
	if (l->details || r->attempts > 0 || r->rests_until != 0)
		printf("  attempts %" PRIu32 ", next %s", r->attempts,
		    queue_time(r->next_attempt, when));
	if (r->rests_until != 0)
		printf("; its destination rests until %s",
		    queue_time(r->rests_until, when));
	if (l->details && r->route.len > 0) {
		printf("; route ");
		queue_print_text(r->route);
	}
	printf("\n");
}

static void
print_sum(const struct listing *l, const struct queue_counters *c)
{
	if (l->messages == 0)
		printf("The queue is empty.\n");
	else
		printf("-- %" PRIu64 " message%s, %" PRIu64 " octets; * active, "
		       "! held\n", l->messages, l->messages == 1 ? "" : "s",
		    l->octets);
	printf("-- recipients: accepted %" PRIu64 " = delivered %" PRIu64
	       " + bounced %" PRIu64 " + expired %" PRIu64 " + deleted %" PRIu64
	       " + held %" PRIu64 " + queued %" PRIu64 "\n",
	    c->accepted, c->delivered, c->bounced, c->expired, c->deleted,
	    c->held, c->queued);
	if (c->accepted != c->delivered + c->bounced + c->expired +
		c->deleted + c->held + c->queued)
		fail(0, "the two sides of this differ: that is a fault, please "
			"report it with the log");
}

static int
list_pages(int fd, struct listing *l, const char *destination)
{
	struct queue_rows rows = { print_message, print_recipient, l };
	struct queue_ask ask = { .verb = QUEUE_LIST, .limit = QUEUE_PAGE_MAX,
		.destination = slice_str(destination) };
	struct queue_done done;
	int status;

	do {
		if ((status = queue_ask(fd, &ask, &rows, &done)) != 0)
			return status;
		if (done.status != QUEUE_OK)
			return fail(EX_TEMPFAIL,
			    "queue-manager could not list its messages");
		ask.after = done.next;
	} while (done.next != 0);
	print_sum(l, &done.counters);
	return 0;
}

int
do_queue_list(struct bulkhead *b, int argc, char *argv[])
{
	const char *destination = argc == 1 ? argv[0] : "";
	struct listing l = { 0 };
	int fd, status;

	if (strlen(destination) > QUEUE_DESTINATION_MAX)
		return fail(EX_USAGE, "the destination is too long");
	if ((status = queue_open(b, &fd)) != 0)
		return status;
	status = list_pages(fd, &l, destination);
	close(fd);
	return status;
}

int
do_queue_show(struct bulkhead *b, int argc, char *argv[])
{
	struct listing l = { .details = true };
	struct queue_rows rows = { print_message, print_recipient, &l };
	struct queue_ask ask = { .verb = QUEUE_SHOW };
	struct queue_done done;
	int fd, status;

	(void)argc;
	if ((status = queue_id_parse(argv[0], &ask.queue_id)) != 0 ||
	    (status = queue_open(b, &fd)) != 0)
		return status;
	status = queue_ask(fd, &ask, &rows, &done);
	close(fd);
	if (status == 0 && done.status == QUEUE_NOT_FOUND)
		status = fail(1, "%s does not wait in the queue", argv[0]);
	else if (status == 0 && done.status != QUEUE_OK)
		status = fail(EX_TEMPFAIL, "queue-manager could not show it");
	return status;
}
