/*
 * IDLE (RFC 2177): the kernel tells when the folder's directories change; where
 * it cannot, we look every few seconds.
 */
#include "imapd/session/session.h"

static const struct timeval look_every = { .tv_sec = 5 };

static void
on_notify(int fd, short what, void *arg)
{
	struct imap *s = arg;

	(void)fd, (void)what;
	folder_notify_drain(s->folder);
	(void)imap_sync(s, 0);
	(void)folder_settle(s->folder);
	imap_settle_soon(s);
}

static int
watch(struct imap *s)
{
	int fd = folder_notify_fd(s->folder);

	s->notify = event_new(s->session.stage.base, fd,
	    EV_PERSIST | (fd == -1 ? 0 : EV_READ), on_notify, s);
	if (s->notify == NULL)
		return -1;
	return event_add(s->notify, fd == -1 ? &look_every : NULL);
}

void
idle_cancel(struct imap *s)
{
	if (s->notify != NULL)
		event_free(s->notify);
	if (s->folder != NULL)
		folder_notify_end(s->folder);
	s->notify = NULL;
}

void
do_idle(struct imap *s, const struct imap_command *c)
{
	(void)c;
	if (s->folder != NULL && watch(s) == -1) {
		idle_cancel(s);
		imap_no(s, "[UNAVAILABLE] that failed for now");
		return;
	}
	imap_expect(s, INPUT_IDLE);
	imap_print(s, "+ idling\r\n");
	if (s->folder != NULL)
		on_notify(-1, 0, s);
}

void
idle_line(struct imap *s, struct slice line)
{
	idle_cancel(s);
	if (!slice_equal_nocase(line, SLICE_LITERAL("DONE")))
		imap_bad(s, "IDLE ends in DONE");
	else if (imap_sync(s, 0) == 0)
		imap_ok(s, "idled");
}
