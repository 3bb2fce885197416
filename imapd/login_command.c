#include "imapd/login_command.h"

struct cursor {
	char	*at;
	size_t	 len, pos;
	struct imap_login_command *c;
	bool	 quoted[IMAP_ARGUMENTS_MAX];
	enum imap_login_fault *fault;
};

static bool
is_atom_char(char c)
{
	return c > ' ' && c < 0x7f && strchr("(){%*\"\\", c) == NULL;
}

/* To the end of the line that pos stands in; the answer for a fault. */
static enum parse
bad(struct cursor *k, enum imap_login_fault fault)
{
	char *end = memchr(k->at + k->pos, '\n', k->len - k->pos);

	*k->fault = fault;
	k->c->used = end != NULL ? (size_t)(end - k->at) + 1 : k->len;
	return PARSE_BAD;
}

static struct slice
take_atom(struct cursor *k)
{
	size_t from = k->pos;

	while (k->pos < k->len && is_atom_char(k->at[k->pos]))
		k->pos++;
	return slice_of(k->at + from, k->pos - from);
}

/* RFC 3501 section 9, quoted.  Backslashes stay until the command is whole:
 * until then the same octets are looked at again. */
static enum parse
take_quoted(struct cursor *k, struct slice *s)
{
	size_t from = ++k->pos;

	for (; k->pos < k->len; k->pos++) {
		char c = k->at[k->pos];

		if (c == '"') {
			*s = slice_of(k->at + from, k->pos - from);
			k->pos++;
			k->quoted[k->c->count] = true;
			return PARSE_OK;
		}
		if (c == '\\' && k->pos + 1 < k->len) {
			c = k->at[++k->pos];
			if (c != '"' && c != '\\')
				break;
			continue;
		}
		if (c == '\r' || c == '\n' || c == '\0')
			break;
	}
	return bad(k, IMAP_FAULT_SYNTAX);
}

/* The command is whole: give the quoted strings their meaning, in place. */
static void
unquote(struct cursor *k)
{
	for (size_t i = 0; i < k->c->count; i++) {
		struct slice *s = &k->c->arguments[i];
		char *at = k->at + (s->at - k->at);
		size_t to = 0;

		for (size_t from = 0; k->quoted[i] && from < s->len; from++) {
			if (at[from] == '\\')
				from++;
			at[to++] = at[from];
		}
		if (k->quoted[i])
			s->len = to;
	}
}

/* "{n}" or "{n+}", its line end, and n octets behind that. */
static enum parse
take_literal(struct cursor *k, struct slice *s)
{
	size_t from = ++k->pos;
	unsigned long long n;
	bool waits = true;
	struct slice digits;

	while (k->pos < k->len && k->at[k->pos] >= '0' && k->at[k->pos] <= '9')
		k->pos++;
	digits = slice_of(k->at + from, k->pos - from);
	if (k->pos < k->len && k->at[k->pos] == '+') {
		waits = false;
		k->pos++;
	}
	if (k->pos >= k->len || k->at[k->pos++] != '}')
		return bad(k, IMAP_FAULT_SYNTAX);
	if (k->pos < k->len && k->at[k->pos] == '\r')
		k->pos++;
	if (k->pos >= k->len || k->at[k->pos] != '\n')
		return bad(k, IMAP_FAULT_SYNTAX);
	if (slice_number(digits, IMAP_LITERAL_MAX, &n) == -1)
		return bad(k, waits ? IMAP_FAULT_LITERAL : IMAP_FAULT_STREAM);
	k->pos++;
	if (waits)
		k->c->continuations++;
	if (k->len - k->pos < n)
		return PARSE_MORE;
	*s = slice_of(k->at + k->pos, (size_t)n);
	k->pos += (size_t)n;
	return PARSE_OK;
}

static enum parse
take_string(struct cursor *k, struct slice *s)
{
	if (k->at[k->pos] == '"')
		return take_quoted(k, s);
	if (k->at[k->pos] == '{')
		return take_literal(k, s);
	*s = take_atom(k);
	return s->len > 0 ? PARSE_OK : bad(k, IMAP_FAULT_SYNTAX);
}

/* One argument and what stands around it; ID has parentheses. */
static enum parse
take_argument(struct cursor *k)
{
	enum parse result;
	struct slice s;

	while (k->pos < k->len && (k->at[k->pos] == ' ' ||
	    k->at[k->pos] == '(' || k->at[k->pos] == ')'))
		k->pos++;
	if (k->pos >= k->len)
		return PARSE_MORE;
	if (k->at[k->pos] == '\r' || k->at[k->pos] == '\n')
		return PARSE_OK;
	if (k->c->count >= IMAP_ARGUMENTS_MAX)
		return bad(k, IMAP_FAULT_SYNTAX);
	if ((result = take_string(k, &s)) == PARSE_OK)
		k->c->arguments[k->c->count++] = s;
	return result;
}

static bool
take_line_end(struct cursor *k)
{
	size_t pos = k->pos;

	if (pos < k->len && k->at[pos] == '\r')
		pos++;
	if (pos >= k->len || k->at[pos] != '\n')
		return false;
	k->pos = pos + 1;
	return true;
}

enum parse
imap_login_command_parse(char *in, size_t len, struct imap_login_command *c,
    enum imap_login_fault *fault)
{
	struct cursor k = { .at = in, .len = len, .c = c, .fault = fault };

	*c = (struct imap_login_command){ .count = 0 };
	if (memchr(in, '\n', len) == NULL)
		return PARSE_MORE;
	c->tag = take_atom(&k);
	if (c->tag.len == 0 || c->tag.len > IMAP_TAG_MAX ||
	    memchr(c->tag.at, '+', c->tag.len) != NULL ||
	    k.at[k.pos] != ' ')
		return bad(&k, IMAP_FAULT_TAG);
	k.pos++;
	c->name = take_atom(&k);
	if (c->name.len == 0)
		return bad(&k, IMAP_FAULT_SYNTAX);
	while (!take_line_end(&k)) {
		enum parse result;

		if (k.pos >= k.len)
			return PARSE_MORE;
		if (k.at[k.pos] != ' ' && k.at[k.pos] != ')')
			return bad(&k, IMAP_FAULT_SYNTAX);
		if ((result = take_argument(&k)) != PARSE_OK)
			return result;
	}
	unquote(&k);
	c->used = k.pos;
	return PARSE_OK;
}
