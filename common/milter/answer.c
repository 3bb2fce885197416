#include "common/milter/answer.h"

#include <string.h>

enum shape {
	NOTHING,
	STRING,       /* into value */
	ADDRESS,      /* one string, into name */
	ADDRESS_ARGS, /* one or two: name, value */
	FIELD,        /* two: name, value */
	INDEX_FIELD,  /* an index before them */
	OCTETS
};

static const struct form {
	char code;
	enum shape shape;
	uint32_t action;
} forms[] = {
	{ SMFIR_ADDRCPT, ADDRESS, SMFIF_ADDRCPT },
	{ SMFIR_DELRCPT, ADDRESS, SMFIF_DELRCPT },
	{ SMFIR_ADDRCPT_PAR, ADDRESS_ARGS, SMFIF_ADDRCPT_PAR },
	{ SMFIR_SHUTDOWN, NOTHING, 0 },
	{ SMFIR_ACCEPT, NOTHING, 0 },
	{ SMFIR_REPLBODY, OCTETS, SMFIF_CHGBODY },
	{ SMFIR_CONTINUE, NOTHING, 0 },
	{ SMFIR_DISCARD, NOTHING, 0 },
	{ SMFIR_CHGFROM, ADDRESS_ARGS, SMFIF_CHGFROM },
	{ SMFIR_CONN_FAIL, NOTHING, 0 },
	{ SMFIR_ADDHEADER, FIELD, SMFIF_ADDHDRS },
	{ SMFIR_INSHEADER, INDEX_FIELD, SMFIF_ADDHDRS },
	{ SMFIR_CHGHEADER, INDEX_FIELD, SMFIF_CHGHDRS },
	{ SMFIR_PROGRESS, NOTHING, 0 },
	{ SMFIR_QUARANTINE, STRING, SMFIF_QUARANTINE },
	{ SMFIR_REJECT, NOTHING, 0 },
	{ SMFIR_SKIP, NOTHING, 0 },
	{ SMFIR_TEMPFAIL, NOTHING, 0 },
	{ SMFIR_REPLYCODE, STRING, 0 },
};

static const struct form *
form_of(char code)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].code == code)
			return &forms[i];
	return NULL;
}

uint32_t
milter_answer_action(char code)
{
	const struct form *f = form_of(code);

	return f == NULL ? 0 : f->action;
}

/* One string off the front; it ends in its NUL. */
static int
take_string(struct slice *in, struct slice *out)
{
	const char *nul = in->len > 0 ? memchr(in->at, '\0', in->len) : NULL;

	if (nul == NULL)
		return -1;
	*out = slice_of(in->at, (size_t)(nul - in->at));
	*in = slice_skip(*in, out->len + 1);
	return 0;
}

static int
take_u32(struct slice *in, uint32_t *out)
{
	const unsigned char *p = (const unsigned char *)in->at;

	if (in->len < 4)
		return -1;
	*out = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
	*in = slice_skip(*in, 4);
	return 0;
}

/* RFC 5322 section 2.2: printable, no colon. */
static bool
is_field_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~' || s.at[i] == ':')
			return false;
	return s.len > 0 && s.len <= 255;
}

static int
take_field(struct slice *in, struct milter_answer *a)
{
	return take_string(in, &a->name) == 0 && is_field_name(a->name) &&
		       take_string(in, &a->value) == 0
		   ? 0
		   : -1;
}

static int
take_shape(enum shape shape, struct slice *in, struct milter_answer *a)
{
	switch (shape) {
	case NOTHING:
		return 0;
	case STRING:
		return take_string(in, &a->value);
	case ADDRESS:
		return take_string(in, &a->name);
	case ADDRESS_ARGS:
		if (take_string(in, &a->name) == -1)
			return -1;
		return in->len == 0 ? 0 : take_string(in, &a->value);
	case INDEX_FIELD:
		if (take_u32(in, &a->index) == -1)
			return -1;
		return take_field(in, a);
	case FIELD:
		return take_field(in, a);
	case OCTETS:
		a->value = *in;
		*in = slice_of("", 0);
		return 0;
	}
	return -1;
}

int
milter_answer_decode(const struct milter_packet *p, struct milter_answer *a)
{
	const struct form *f = form_of(p->code);
	struct slice in = p->data;

	*a = (struct milter_answer){
		.code = p->code, .name = { "", 0 }, .value = { "", 0 }
	};
	if (f == NULL || take_shape(f->shape, &in, a) == -1)
		return -1;
	return in.len == 0 ? 0 : -1;
}

/* ---- OPTNEG ---- */

int
milter_options_decode(const struct milter_packet *p, uint32_t actions,
    uint32_t steps, struct milter_options *o)
{
	struct slice in = p->data;
	uint32_t stage;

	*o = (struct milter_options){ 0 };
	if (p->code != SMFIC_OPTNEG || take_u32(&in, &o->version) == -1 ||
	    take_u32(&in, &o->actions) == -1 || take_u32(&in, &o->steps) == -1)
		return -1;
	if (o->version < SMFI_VERSION_LEAST || o->version > SMFI_VERSION ||
	    (o->actions & ~actions) != 0 || (o->steps & ~steps) != 0)
		return -1;
	if (in.len > 0 && (o->actions & SMFIF_SETSYMLIST) == 0)
		return -1;
	while (in.len > 0)
		if (take_u32(&in, &stage) == -1 || stage >= MILTER_STAGES ||
		    take_string(&in, &o->macros[stage]) == -1)
			return -1;
	return 0;
}

uint32_t
milter_data_max(uint32_t steps)
{
	if ((steps & SMFIP_MDS_256K) != 0)
		return SMFI_DATA_256K;
	return (steps & SMFIP_MDS_1M) != 0 ? SMFI_DATA_1M : SMFI_DATA_MAX;
}

/* ---- REPLYCODE ---- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "5.7.1": how many octets it has; 0: that is none. */
static size_t
take_enhanced(struct slice s, uint8_t out[3])
{
	size_t i = 0;

	for (int n = 0; n < 3; n++) {
		unsigned v = 0, digits = 0;

		if (n > 0 && (i >= s.len || s.at[i++] != '.'))
			return 0;
		for (; i < s.len && is_digit(s.at[i]) && digits < 3; digits++)
			v = v * 10 + (unsigned)(s.at[i++] - '0');
		if (digits == 0 || v > 255)
			return 0;
		out[n] = (uint8_t)v;
	}
	return i == s.len || s.at[i] == ' ' ? i : 0;
}

/* The code of a line: "550", and then a blank, a hyphen or nothing. */
static int
take_code(struct slice *line, uint16_t *code)
{
	const char *at = line->at;

	if (line->len < 3 || (at[0] != '4' && at[0] != '5') || at[1] < '0' ||
	    at[1] > '5' || !is_digit(at[2]))
		return -1;
	if (line->len > 3 && at[3] != ' ' && at[3] != '-')
		return -1;
	*code =
	    (uint16_t)((at[0] - '0') * 100 + (at[1] - '0') * 10 + at[2] - '0');
	*line = slice_skip(*line, line->len > 3 ? 4 : 3);
	return 0;
}

static int
put_text(struct milter_reply *r, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (c == '%' && i + 1 < s.len && s.at[i + 1] == '%')
			i++;
		if (r->len == sizeof(r->text))
			return -1;
		r->text[r->len++] = c >= ' ' && c <= '~' ? c : '?';
	}
	return 0;
}

static int
put_line(struct milter_reply *r, struct slice line, bool first)
{
	uint8_t enhanced[3];
	uint16_t code;
	size_t n;

	if (take_code(&line, &code) == -1 || (!first && code != r->code))
		return -1;
	r->code = code;
	n = take_enhanced(line, enhanced);
	if (first)
		memcpy(r->enhanced,
		    (const uint8_t[]){ (uint8_t)(code / 100), 7, 1 }, 3);
	if (first && n > 0)
		memcpy(r->enhanced, enhanced, 3);
	if (n > 0 && memcmp(r->enhanced, enhanced, 3) == 0)
		line = slice_skip(line, n < line.len ? n + 1 : n);
	if (r->enhanced[0] != code / 100)
		return -1;
	return put_text(r, line);
}

/* A line off the front, without its CRLF or LF. */
static struct slice
take_line(struct slice *in)
{
	const char *lf = memchr(in->at, '\n', in->len);
	struct slice line =
	    slice_of(in->at, lf == NULL ? in->len : (size_t)(lf - in->at));

	*in = slice_skip(*in, lf == NULL ? line.len : line.len + 1);
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

int
milter_reply_decode(struct slice in, struct milter_reply *r)
{
	unsigned lines = 0;

	r->len = 0;
	while (in.len > 0) {
		struct slice line = take_line(&in);

		if (lines > 0) {
			if (r->len == sizeof(r->text))
				return -1;
			r->text[r->len++] = '\n';
		}
		if (lines == MILTER_REPLY_LINES ||
		    put_line(r, line, lines == 0) == -1)
			return -1;
		lines++;
	}
	return lines > 0 ? 0 : -1;
}
