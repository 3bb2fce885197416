/*
 * What a milter may send: packets in a buffer of exactly their size, each
 * decoded as whatever it claims to be.  What is taken lies inside the packet;
 * a reply that is taken can be said to a client.
 */
#include <stdlib.h>

#include "common/milter/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
inside(struct slice in, struct slice s)
{
	if (s.len > 0 && (s.at < in.at || s.at + s.len > in.at + in.len))
		abort();
}

static void
try_reply(struct slice in)
{
	struct milter_reply r;

	if (milter_reply_decode(in, &r) == -1)
		return;
	if (r.code < 400 || r.code > 559 || r.enhanced[0] != r.code / 100 ||
	    r.len > sizeof(r.text))
		abort();
	for (size_t i = 0; i < r.len; i++)
		if (r.text[i] != '\n' && (r.text[i] < ' ' || r.text[i] > '~'))
			abort();
}

static void
try_packet(const struct milter_packet *p)
{
	struct milter_options o;
	struct milter_answer a;

	if (milter_answer_decode(p, &a) == 0) {
		inside(p->data, a.name);
		inside(p->data, a.value);
		if (memchr(a.name.at, '\0', a.name.len) != NULL)
			abort();
		if (a.code == SMFIR_REPLYCODE)
			try_reply(a.value);
	}
	if (milter_options_decode(p, SMFIF_ALL,
		SMFIP_SKIP | SMFIP_MDS_256K | SMFIP_MDS_1M | 0xff, &o) == 0) {
		if (milter_data_max(o.steps) < SMFI_DATA_MAX ||
		    milter_data_max(o.steps) > SMFI_DATA_1M)
			abort();
		for (int i = 0; i < MILTER_STAGES; i++)
			inside(p->data, o.macros[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = malloc(size);
	struct slice in = slice_of(exact, size);
	struct milter_packet p;
	size_t used;

	if (exact == NULL)
		return 0;
	memcpy(exact, data, size);
	try_reply(in);
	while (milter_packet_take(in, SMFI_DATA_MAX, &p, &used) == PARSE_OK) {
		char *copy = malloc(p.data.len);

		/* By itself, so that a step past its end is found. */
		if (copy != NULL) {
			if (p.data.len > 0)
				memcpy(copy, p.data.at, p.data.len);
			p.data.at = copy;
			try_packet(&p);
		}
		free(copy);
		in = slice_skip(in, used);
	}
	free(exact);
	return 0;
}
