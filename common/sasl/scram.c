#include "common/sasl/scram.h"

#include <stdlib.h>

static const char *const binding_names[] = {
	[SCRAM_UNBOUND] = "",
	[SCRAM_TLS_EXPORTER] = "tls-exporter",
	[SCRAM_TLS_UNIQUE] = "tls-unique",
	[SCRAM_TLS_SERVER_END_POINT] = "tls-server-end-point",
	[SCRAM_BINDING_OTHER] = "other",
};

const char *
scram_binding_name(enum scram_binding b)
{
	return binding_names[b];
}

/* Up to a comma, which is taken too; false when nothing at all is left. */
static bool
take_piece(struct slice *rest, struct slice *piece, bool *more)
{
	const char *comma = rest->len == 0 ? NULL :
	    memchr(rest->at, ',', rest->len);

	*more = comma != NULL;
	*piece = *rest;
	if (comma != NULL)
		piece->len = (size_t)(comma - rest->at);
	*rest = slice_skip(*rest, piece->len + (comma != NULL));
	return piece->len > 0;
}

/* attr-val of this letter at the front; its value is not empty. */
static bool
take_attribute(struct slice *rest, char letter, struct slice *value,
    bool *more)
{
	struct slice piece;

	if (!take_piece(rest, &piece, more) || piece.len < 3 ||
	    piece.at[0] != letter || piece.at[1] != '=')
		return false;
	*value = slice_skip(piece, 2);
	return true;
}

/* What follows is extensions that nobody must know: ALPHA "=" 1*value-char. */
static bool
extensions_valid(struct slice rest, bool more)
{
	while (more) {
		struct slice piece;

		if (!take_piece(&rest, &piece, &more) || piece.len < 3 ||
		    piece.at[1] != '=' || piece.at[0] == 'm' ||
		    !((piece.at[0] >= 'a' && piece.at[0] <= 'z') ||
		    (piece.at[0] >= 'A' && piece.at[0] <= 'Z')))
			return false;
	}
	return true;
}

static bool
nonce_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < 0x21 || s.at[i] > 0x7e || s.at[i] == ',')
			return false;
	return s.len > 0 && s.len <= SCRAM_NONCE_MAX;
}

static enum scram_binding
binding_of(struct slice name)
{
	for (int b = SCRAM_TLS_EXPORTER; b < SCRAM_BINDING_OTHER; b++)
		if (slice_equal(name, slice_str(binding_names[b])))
			return (enum scram_binding)b;
	return SCRAM_BINDING_OTHER;
}

/* gs2-cbind-flag */
static bool
flag_parse(struct slice piece, struct scram_client_first *m)
{
	m->flag = piece.at[0];
	m->binding = SCRAM_UNBOUND;
	if (m->flag == 'n' || m->flag == 'y')
		return piece.len == 1;
	if (m->flag != 'p' || piece.len < 3 || piece.at[1] != '=')
		return false;
	m->binding = binding_of(slice_skip(piece, 2));
	return true;
}

static bool
gs2_parse(struct slice *rest, struct scram_client_first *m)
{
	struct slice whole = *rest, piece;
	bool more;

	if (!take_piece(rest, &piece, &more) || !more || !flag_parse(piece, m))
		return false;
	m->authzid = slice_of(whole.at, 0);
	if (take_piece(rest, &piece, &more)) {
		if (piece.len < 3 || piece.at[0] != 'a' || piece.at[1] != '=')
			return false;
		m->authzid = slice_skip(piece, 2);
	}
	m->gs2_header = slice_of(whole.at, whole.len - rest->len);
	return more;
}

enum parse
scram_client_first_parse(struct slice in, struct scram_client_first *m)
{
	struct slice rest = in;
	bool more;

	if (in.len > SCRAM_MESSAGE_MAX || !gs2_parse(&rest, m))
		return PARSE_BAD;
	m->bare = rest;
	if (!take_attribute(&rest, 'n', &m->name, &more) || !more ||
	    !take_attribute(&rest, 'r', &m->nonce, &more) ||
	    !nonce_valid(m->nonce) || !extensions_valid(rest, more))
		return PARSE_BAD;
	/* Room for ours behind it. */
	return m->nonce.len + SCRAM_NONCE_LEN <= SCRAM_NONCE_MAX ? PARSE_OK :
	    PARSE_BAD;
}

enum parse
scram_server_first_parse(struct slice in, struct scram_server_first *m)
{
	struct slice rest = in, iterations;
	unsigned long long n;
	bool more;

	if (in.len > SCRAM_MESSAGE_MAX ||
	    !take_attribute(&rest, 'r', &m->nonce, &more) || !more ||
	    !nonce_valid(m->nonce) ||
	    !take_attribute(&rest, 's', &m->salt, &more) || !more ||
	    !take_attribute(&rest, 'i', &iterations, &more) ||
	    !extensions_valid(rest, more) || iterations.at[0] == '0' ||
	    slice_number(iterations, UINT32_MAX, &n) == -1)
		return PARSE_BAD;
	m->iterations = (unsigned)n;
	return PARSE_OK;
}

/* The proof is the last attribute; extensions stand before it. */
enum parse
scram_client_final_parse(struct slice in, struct scram_client_final *m)
{
	const char *comma = in.len == 0 ? NULL : memrchr(in.at, ',', in.len);
	struct slice rest;
	bool more;

	if (in.len > SCRAM_MESSAGE_MAX || comma == NULL)
		return PARSE_BAD;
	m->without_proof = slice_of(in.at, (size_t)(comma - in.at));
	rest = slice_skip(in, m->without_proof.len + 1);
	if (!take_attribute(&rest, 'p', &m->proof, &more) || more)
		return PARSE_BAD;
	rest = m->without_proof;
	if (!take_attribute(&rest, 'c', &m->binding, &more) || !more ||
	    !take_attribute(&rest, 'r', &m->nonce, &more) ||
	    !nonce_valid(m->nonce) || !extensions_valid(rest, more))
		return PARSE_BAD;
	return PARSE_OK;
}

enum parse
scram_server_final_parse(struct slice in, struct scram_server_final *m)
{
	struct slice rest = in;
	bool more;

	*m = (struct scram_server_final){ .verifier = { "", 0 },
		.error = { "", 0 } };
	if (in.len < 3 || in.len > SCRAM_MESSAGE_MAX)
		return PARSE_BAD;
	if (!take_attribute(&rest, in.at[0] == 'e' ? 'e' : 'v',
	    in.at[0] == 'e' ? &m->error : &m->verifier, &more))
		return PARSE_BAD;
	return extensions_valid(rest, more) ? PARSE_OK : PARSE_BAD;
}

int
scram_name_unescape(struct slice in, char *out, size_t *len)
{
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		char c = in.at[i];

		if (c == '=') {
			if (in.len - i < 3 || in.at[i + 1] !=
			    (in.at[i + 2] == 'C' ? '2' : '3') ||
			    (in.at[i + 2] != 'C' && in.at[i + 2] != 'D'))
				return -1;
			c = in.at[i + 2] == 'C' ? ',' : '=';
			i += 2;
		} else if ((unsigned char)c < ' ' || c == 0x7f)
			return -1;
		if (n == SCRAM_NAME_MAX)
			return -1;
		out[n++] = c;
	}
	*len = n;
	return n > 0 ? 0 : -1;
}

size_t
scram_name_escape(struct slice in, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		if (in.at[i] != ',' && in.at[i] != '=') {
			out[n++] = in.at[i];
			continue;
		}
		memcpy(out + n, in.at[i] == ',' ? "=2C" : "=3D", 3);
		n += 3;
	}
	return n;
}
