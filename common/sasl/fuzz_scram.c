/*
 * SCRAM from both sides: the first octet says what the rest is.  A message
 * of any octets as each of the four, and a server's conversation whose two
 * messages are cut at a NUL.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/sasl/scram_client.h"
#include "common/sasl/scram_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
inside(struct slice part, struct slice whole)
{
	return part.len == 0 || (part.at >= whole.at &&
	    part.at + part.len <= whole.at + whole.len);
}

static void
parse(struct slice in)
{
	struct scram_client_first cf;
	struct scram_server_first sf;
	struct scram_client_final cl;
	struct scram_server_final sl;

	if (scram_client_first_parse(in, &cf) == PARSE_OK)
		assert(inside(cf.gs2_header, in) && inside(cf.bare, in) &&
		    inside(cf.name, in) && inside(cf.nonce, in) &&
		    cf.gs2_header.len + cf.bare.len == in.len);
	if (scram_server_first_parse(in, &sf) == PARSE_OK)
		assert(inside(sf.nonce, in) && inside(sf.salt, in));
	if (scram_client_final_parse(in, &cl) == PARSE_OK)
		assert(inside(cl.without_proof, in) && inside(cl.proof, in));
	if (scram_server_final_parse(in, &sl) == PARSE_OK)
		assert((sl.verifier.len == 0) != (sl.error.len == 0));
}

static void
serve(struct slice in, bool plus)
{
	static const char octets[32];
	static const struct scram_channel channel = { .offered = true,
		.exporter = { octets, 32 }, .unique = { octets, 12 },
		.end_point = { octets, 20 } };
	const char *nul = in.len == 0 ? NULL : memchr(in.at, 0, in.len);
	struct slice first = in, last = slice_of(in.at, 0);
	char final[SCRAM_SERVER_FINAL_MAX];
	struct scram_server s;
	struct scram_verifier v;
	const char *why;

	if (nul != NULL) {
		first.len = (size_t)(nul - in.at);
		last = slice_skip(in, first.len + 1);
	}
	if (scram_server_begin(&s, plus, first, &channel, &why) != SCRAM_GOOD)
		return;
	scram_verifier_invent(SLICE_LITERAL("s"), slice_of(s.name,
	    s.name_len), 4096, 16, &v);
	scram_server_first(&s, &v, SLICE_LITERAL("abcdefghijklmnopqrstuvwx"));
	assert(scram_server_finish(&s, last, final, &why) != SCRAM_GOOD);
}

/* Nobody can make us compute for long, or believe. */
static void
ask(struct slice in)
{
	static const struct scram_client_binding none;
	char out[SCRAM_MESSAGE_MAX];
	struct scram_server_first m;
	struct scram_client c;
	size_t len;

	assert(scram_client_first(&c, SLICE_LITERAL("user"), &none,
	    SLICE_LITERAL("abc"), out, &len) == 0);
	if (scram_server_first_parse(in, &m) == PARSE_OK &&
	    m.iterations > 8192)
		return;		/* slow, not wrong */
	if (scram_client_final(&c, in, SLICE_LITERAL("pencil"), out,
	    &len) == 0)
		assert(len < sizeof(out));
	assert(!scram_client_verify(&c, in));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy;

	if (size == 0)
		return 0;
	copy = malloc(size);
	memcpy(copy, data + 1, size - 1);
	if (data[0] % 4 == 0)
		parse(slice_of(copy, size - 1));
	else if (data[0] % 4 == 3)
		ask(slice_of(copy, size - 1));
	else
		serve(slice_of(copy, size - 1), data[0] % 4 == 1);
	free(copy);
	return 0;
}
