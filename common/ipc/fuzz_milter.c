/* What decodes, encodes to the same octets again. */
#include <stdlib.h>

#include "common/ipc/milter.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint8_t buf[MILTER_VERDICT_MAX];

static void
same(struct slice in, size_t len)
{
	if (!slice_equal(in, slice_of(buf, len)))
		abort();
}

static void
again(struct slice in, struct milter_verdict *v)
{
	struct milter_change c;
	struct ipc_writer w;

	ipc_writer_init(&w, buf, sizeof(buf));
	milter_verdict_put(&w, v);
	while (milter_change_next(v, &c))
		milter_change_put(&w, &c);
	if (w.failed)
		abort();
	same(in, w.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct milter_mail m;
	struct milter_rcpt r;
	struct milter_unknown u;
	struct milter_small s;
	struct milter_verdict v;
	int error;

	if (size <= MILTER_MAIL_MAX && milter_mail_decode(in, &m) == 0)
		same(in, milter_mail_encode(&m, buf));
	if (size <= MILTER_RCPT_MAX && milter_rcpt_decode(in, &r) == 0)
		same(in, milter_rcpt_encode(&r, buf));
	if (size <= MILTER_UNKNOWN_MAX && milter_unknown_decode(in, &u) == 0)
		same(in, milter_unknown_encode(&u, buf));
	if (milter_small_decode(in, &s) == 0)
		same(in, milter_small_encode(&s, buf));
	if (milter_error_decode(in, &error) == 0)
		same(in, milter_error_encode(error, buf));
	if (size <= sizeof(buf) && milter_verdict_decode(in, &v) == 0)
		again(in, &v);
	return 0;
}
