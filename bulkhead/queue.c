/* Talking with queue-manager.  See queue.h. */
#include "bulkhead/queue.h"
#include "bulkhead/control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "common/ipc/ipc.h"

int
queue_open(const struct bulkhead *b, int *fd)
{
	struct control_answer answer;
	int control, status = control_open(b, &control);

	if (status != 0)
		return status;
	status = control_ask(control, OPERATOR_QUEUE, OPERATOR_ALL, NULL, NULL,
	    &answer);
	close(control);
	if (status == 0 && answer.fd == -1)
		status = fail(EX_TEMPFAIL, "queue-manager is not ready: "
					   "`bulkhead status` says more");
	*fd = answer.fd;
	return status;
}

static int
lost(int got)
{
	return fail(EX_PROTOCOL, "queue-manager: %s", got == 0 ?
	    "closed the channel" : strerror(errno));
}

/* One body of rows. */
static int
take_rows(struct slice body, const struct queue_rows *rows)
{
	struct queue_recipient_row recipient;
	struct queue_row message;
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	do {
		if (queue_row_get(&r, &message) == -1)
			return -1;
		if (rows != NULL)
			rows->message(rows->ctx, &message);
		for (unsigned i = 0; i < message.n_listed; i++) {
			if (queue_recipient_row_get(&r, &recipient) == -1)
				return -1;
			if (rows != NULL)
				rows->recipient(rows->ctx, &recipient);
		}
	} while (r.in.len > 0);
	return 0;
}

int
queue_ask(int fd, const struct queue_ask *ask, const struct queue_rows *rows,
    struct queue_done *done)
{
	char body[QUEUE_ASK_MAX], buf[QUEUE_ROWS_MAX + IPC_HEAD_LEN];
	size_t len = queue_ask_encode(ask, body);
	struct ipc_message m;
	int got, bad = 0;

	if (ipc_send_blocking(fd, IPC_CONTROL, IPC_QUEUE_MANAGER, IPC_QUEUE_ASK,
		1, slice_of(body, len), NULL, 0) == -1)
		return lost(-1);
	for (;;) {
		got = ipc_receive_blocking(fd, IPC_CONTROL, IPC_QUEUE_MANAGER,
		    buf, sizeof(buf), &m);
		if (got != 1)
			return lost(got);
		errno = EBADMSG;
		if (m.rule->type == IPC_QUEUE_DONE)
			return queue_done_decode(m.body, done) == -1 ?
			    lost(-1) : 0;
		if (m.rule->type == IPC_QUEUE_ROWS)
			bad = take_rows(m.body, rows);
		if (bad == -1)
			return lost(-1);
	}
}

int
queue_id_parse(const char *text, uint64_t *id)
{
	size_t len = strlen(text);

	*id = 0;
	if (len > 16 || len == 0 ||
	    strspn(text, "0123456789abcdefABCDEF") != len ||
	    sscanf(text, "%" SCNx64, id) != 1 || *id == 0)
		return fail(EX_USAGE, "%s is no queue id: they are hexadecimal, "
				      "as `bulkhead queue list` shows them",
		    text);
	return 0;
}

const char *
queue_time(int64_t seconds, char out[QUEUE_TIME_SIZE])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (seconds == 0 || localtime_r(&t, &tm) == NULL ||
	    strftime(out, QUEUE_TIME_SIZE, "%F %T", &tm) == 0)
		return "now";
	return out;
}

void
queue_print_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		putchar(s.at[i] >= ' ' && s.at[i] < 0x7f ? s.at[i] : '?');
}
