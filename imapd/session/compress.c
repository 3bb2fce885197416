/* COMPRESS (RFC 4978): from the answer on, both directions are deflated. */
#include "common/log/log.h"
#include "imapd/session/deflate.h"
#include "imapd/session/session.h"

void
do_compress(struct imap *s, const struct imap_command *c)
{
	struct deflate *d;

	(void)c;
	if (stream_is_secured(s->session.stream)) {
		imap_bad(s, "[COMPRESSIONACTIVE] DEFLATE is active already");
		return;
	}
	if ((d = deflate_new(stream_fd(s->session.stream))) == NULL) {
		imap_no(s, "[UNAVAILABLE] there is no memory for it");
		return;
	}
	imap_ok(s, "from here on it is deflated");
	imap_drain(s);
	if (s->finishing || stream_secure(s->session.stream, &deflate_layer,
	    d) == -1) {
		deflate_free(d);
		imap_bye(s, "the answer could not be sent");
		return;
	}
	log_info("session-deflated", LOG_SID(s->session.id));
}
