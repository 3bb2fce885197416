#include <string.h>

#include "common/smtp/characters.h"
#include "common/smtp/address.h"
#include "common/smtp/command.h"
#include "common/utf8/utf8.h"

enum parse
smtp_line_take(struct slice in, size_t max, struct slice *line,
    enum smtp_line_fault *why)
{
	size_t len = in.len < max ? in.len : max, whole = len;
	const char *lf, *cr;

	*why = SMTP_LINE_OK;
	if (len == 0)
		return PARSE_MORE;
	lf = memchr(in.at, '\n', len);
	if (lf != NULL)
		whole = (size_t)(lf - in.at);
	cr = memchr(in.at, '\r', whole);
	/* The CR must be the last octet: before the LF, or so far. */
	if ((lf != NULL && cr == NULL) ||
	    (cr != NULL && cr + 1 != in.at + whole)) {
		*why = SMTP_LINE_BARE;
		return PARSE_BAD;
	}
	if (lf != NULL) {
		*line = slice_of(in.at, whole - 1);
		return PARSE_OK;
	}
	if (in.len < max)
		return PARSE_MORE;
	*why = SMTP_LINE_LONG;
	return PARSE_BAD;
}

enum parse
smtp_command_split(struct slice line, struct smtp_command_line *c)
{
	size_t n = 0;

	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.at[i] < 32 || line.at[i] == 127)
			return PARSE_BAD;
	while (n < line.len && line.at[n] != ' ')
		if (!smtp_is_alnum(line.at[n++]))
			return PARSE_BAD;
	c->verb = slice_of(line.at, n);
	c->args = slice_skip(line, n);
	while (c->args.len > 0 && c->args.at[0] == ' ')
		c->args = slice_skip(c->args, 1);
	while (c->args.len > 0 && c->args.at[c->args.len - 1] == ' ')
		c->args.len--;
	return n > 0 ? PARSE_OK : PARSE_BAD;
}

enum parse
smtp_command_keyword(struct slice *args, struct slice keyword)
{
	if (!slice_starts_nocase(*args, keyword))
		return PARSE_BAD;
	*args = slice_skip(*args, keyword.len);
	while (args->len > 0 && args->at[0] == ' ')
		*args = slice_skip(*args, 1);
	return PARSE_OK;
}

/* Octets of esmtp-value, 1*(%d33-60 / %d62-126 / UTF8-non-ascii): RFC 5321
 * section 4.1.2 and RFC 6531 section 3.3. */
static size_t
value_len(struct slice in)
{
	size_t len = 0, n;

	for (; len < in.len; len += n) {
		char c = in.at[len];

		n = c > 32 && c < 127 && c != '=' ? 1 :
		    utf8_non_ascii(slice_skip(in, len));
		if (n == 0)
			break;
	}
	return len;
}

static size_t
keyword_len(struct slice s)
{
	size_t n = 0;

	if (s.len == 0 || !smtp_is_alnum(s.at[0]))
		return 0;
	while (n < s.len && smtp_is_ldh(s.at[n]))
		n++;
	return n;
}

enum parse
smtp_param_take(struct slice *args, struct smtp_param *p)
{
	struct slice in = *args;
	size_t n;

	*p = (struct smtp_param){ { NULL, 0 }, { NULL, 0 } };
	if (in.len == 0)
		return PARSE_OK;
	if (in.at[0] != ' ')
		return PARSE_BAD;
	while (in.len > 0 && in.at[0] == ' ')
		in = slice_skip(in, 1);
	if (in.len == 0) {
		*args = in;
		return PARSE_OK;
	}
	n = keyword_len(in);
	if (n == 0)
		return PARSE_BAD;
	p->name = slice_of(in.at, n);
	in = slice_skip(in, n);
	if (in.len > 0 && in.at[0] == '=') {
		in = slice_skip(in, 1);
		if ((n = value_len(in)) == 0)
			return PARSE_BAD;
		p->value = slice_of(in.at, n);
		in = slice_skip(in, n);
	}
	if (in.len > 0 && in.at[0] != ' ')
		return PARSE_BAD;
	*args = in;
	return PARSE_OK;
}

/* size-value ::= 1*20DIGIT (RFC 1870 section 6) */
static bool
parse_size(struct slice value, uint64_t *size)
{
	unsigned long long n;

	if (value.len == 0 || value.len > 20)
		return false;
	for (size_t i = 0; i < value.len; i++)
		if (!smtp_is_digit(value.at[i]))
			return false;
	*size = slice_number(value, UINT64_MAX, &n) == 0 ? n : UINT64_MAX;
	return true;
}

static enum smtp_params_fault
mail_size(struct slice value, struct smtp_mail_params *m)
{
	if (m->has_size || !parse_size(value, &m->size))
		return SMTP_PARAMS_VALUE;
	m->has_size = true;
	return SMTP_PARAMS_OK;
}

static enum smtp_params_fault
mail_body(struct slice value, struct smtp_mail_params *m)
{
	if (m->body != SMTP_BODY_UNSAID)
		return SMTP_PARAMS_VALUE;
	if (slice_equal_nocase(value, SLICE_LITERAL("7BIT")))
		m->body = SMTP_BODY_7BIT;
	else if (slice_equal_nocase(value, SLICE_LITERAL("8BITMIME")))
		m->body = SMTP_BODY_8BITMIME;
	else if (slice_equal_nocase(value, SLICE_LITERAL("BINARYMIME")))
		m->body = SMTP_BODY_BINARYMIME;
	else
		return SMTP_PARAMS_VALUE;
	return SMTP_PARAMS_OK;
}

static enum smtp_params_fault
mail_ret(struct slice value, struct smtp_mail_params *m)
{
	if (m->ret != SMTP_RET_UNSAID ||
	    smtp_ret_parse(value, &m->ret) != PARSE_OK)
		return SMTP_PARAMS_VALUE;
	return SMTP_PARAMS_OK;
}

static enum smtp_params_fault
mail_envid(struct slice value, struct smtp_mail_params *m)
{
	if (m->envid.at != NULL || smtp_envid_check(value) != PARSE_OK)
		return SMTP_PARAMS_VALUE;
	m->envid = value;
	return SMTP_PARAMS_OK;
}

/* It has no value. */
static enum smtp_params_fault
mail_smtputf8(struct slice value, struct smtp_mail_params *m)
{
	if (m->smtputf8 || value.at != NULL)
		return SMTP_PARAMS_VALUE;
	m->smtputf8 = true;
	return SMTP_PARAMS_OK;
}

/* "<>" or an address, in xtext: RFC 4954 section 5. */
static enum smtp_params_fault
mail_auth(struct slice value, struct smtp_mail_params *m)
{
	char text[SMTP_ADDRESS_MAX];
	struct smtp_address a;
	struct slice decoded;

	if (m->has_auth || value.len == 0 || value.len > sizeof(text))
		return SMTP_PARAMS_VALUE;
	m->has_auth = true;
	if (slice_equal(value, SLICE_LITERAL("<>")))
		return SMTP_PARAMS_OK;
	if (smtp_envid_check(value) != PARSE_OK)
		return SMTP_PARAMS_VALUE;
	decoded = slice_of(text, smtp_xtext_decode(value, text));
	return smtp_address_parse(decoded, &a) == PARSE_OK &&
	    a.kind != SMTP_NULL ? SMTP_PARAMS_OK : SMTP_PARAMS_VALUE;
}

static enum smtp_params_fault
mail_param(const struct smtp_param *p, struct smtp_mail_params *m)
{
	static const struct {
		const char *name;
		enum smtp_params_fault (*take)(struct slice,
		    struct smtp_mail_params *);
	} rows[] = {
		{ "SIZE", mail_size }, { "BODY", mail_body },
		{ "RET", mail_ret }, { "ENVID", mail_envid },
		{ "AUTH", mail_auth }, { "SMTPUTF8", mail_smtputf8 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (slice_equal_nocase(p->name, slice_str(rows[i].name)))
			return rows[i].take(p->value, m);
	return SMTP_PARAMS_UNKNOWN;
}

enum smtp_params_fault
smtp_mail_params_parse(struct slice args, struct smtp_mail_params *m)
{
	enum smtp_params_fault fault;
	struct smtp_param p;

	memset(m, 0, sizeof(*m));
	m->text = args;
	for (;;) {
		if (smtp_param_take(&args, &p) != PARSE_OK)
			return SMTP_PARAMS_SYNTAX;
		if (p.name.len == 0)
			return SMTP_PARAMS_OK;
		fault = mail_param(&p, m);
		if (fault != SMTP_PARAMS_OK)
			return fault;
	}
}

static enum smtp_params_fault
rcpt_param(const struct smtp_param *p, struct smtp_rcpt_params *r)
{
	if (slice_equal_nocase(p->name, SLICE_LITERAL("NOTIFY"))) {
		if (r->notify != 0 ||
		    smtp_notify_parse(p->value, &r->notify) != PARSE_OK)
			return SMTP_PARAMS_VALUE;
		return SMTP_PARAMS_OK;
	}
	if (!slice_equal_nocase(p->name, SLICE_LITERAL("ORCPT")))
		return SMTP_PARAMS_UNKNOWN;
	if (r->orcpt.at != NULL || smtp_orcpt_check(p->value) != PARSE_OK)
		return SMTP_PARAMS_VALUE;
	r->orcpt = p->value;
	return SMTP_PARAMS_OK;
}

enum smtp_params_fault
smtp_rcpt_params_parse(struct slice args, struct smtp_rcpt_params *r)
{
	enum smtp_params_fault fault;
	struct smtp_param p;

	memset(r, 0, sizeof(*r));
	r->text = args;
	for (;;) {
		if (smtp_param_take(&args, &p) != PARSE_OK)
			return SMTP_PARAMS_SYNTAX;
		if (p.name.len == 0)
			return SMTP_PARAMS_OK;
		fault = rcpt_param(&p, r);
		if (fault != SMTP_PARAMS_OK)
			return fault;
	}
}

size_t
smtp_params_copy(struct slice args, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < args.len; i++)
		if (args.at[i] != ' ')
			to[n++] = args.at[i];
		else if (i + 1 < args.len && args.at[i + 1] != ' ')
			to[n++] = ' ';
	return n;
}

enum parse
smtp_bdat_parse(struct slice args, uint64_t *size, bool *last)
{
	const char *space = args.len > 0 ? memchr(args.at, ' ', args.len) :
	    NULL;
	struct slice number = args, word = slice_of("", 0);
	unsigned long long n;

	if (space != NULL) {
		number.len = (size_t)(space - args.at);
		word = slice_skip(args, number.len);
		while (word.len > 0 && word.at[0] == ' ')
			word = slice_skip(word, 1);
	}
	/* chunk-size = 1*DIGIT; twenty of them cannot be meant. */
	if (slice_number(number, INT64_MAX, &n) == -1)
		return PARSE_BAD;
	*size = n;
	*last = slice_equal_nocase(word, SLICE_LITERAL("LAST"));
	return *last || word.len == 0 ? PARSE_OK : PARSE_BAD;
}
