#include "common/smtp/command_write.h"

#include <stdio.h>

#include "common/smtp/dsn.h"
#include "common/utf8/utf8.h"

/* The line under construction. */
struct line {
	char	*at;
	size_t	 len, size;
	bool	 failed;
};

static void
put(struct line *l, struct slice s)
{
	if (l->failed || s.len > l->size - l->len) {
		l->failed = true;
		return;
	}
	if (s.len > 0)
		memcpy(l->at + l->len, s.at, s.len);
	l->len += s.len;
}

static void
put_str(struct line *l, const char *s)
{
	put(l, slice_str(s));
}

static void
put_number(struct line *l, uint64_t n)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)n);

	put(l, slice_of(text, (size_t)len));
}

static void
put_xtext(struct line *l, struct slice s)
{
	size_t n;

	if (l->failed || s.len == 0)
		return;
	n = smtp_xtext_write(s, l->at + l->len, l->size - l->len);
	l->failed = n == 0;
	l->len += n;
}

/* The address in its brackets. */
static void
put_path(struct line *l, struct slice address)
{
	if (!smtp_address_can_be_written(address)) {
		l->failed = true;
		return;
	}
	put_str(l, "<");
	put(l, address);
	put_str(l, ">");
}

static size_t
finish(struct line *l)
{
	put_str(l, "\r\n");
	return l->failed ? 0 : l->len;
}

/* ---- what they are made of ---- */

size_t
smtp_xtext_write(struct slice s, char *out, size_t size)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t w = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];
		bool plain = c >= '!' && c <= '~' && c != '+' && c != '=';

		if (size - w < (plain ? 1U : 3U))
			return 0;
		if (plain) {
			out[w++] = (char)c;
			continue;
		}
		out[w++] = '+';
		out[w++] = hex[c >> 4];
		out[w++] = hex[c & 15];
	}
	return w;
}

bool
smtp_address_can_be_written(struct slice s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c < ' ' || c == 127)
			return false;
		if (c == '"')
			quoted = !quoted;
		else if (quoted && c == '\\') {
			/* The octet behind it means itself. */
			if (++i == s.len || (unsigned char)s.at[i] < ' ' ||
			    s.at[i] == 127)
				return false;
		} else if (!quoted && strchr(" <>\\", c) != NULL)
			return false;
	}
	return !quoted;
}

/* ---- the commands ---- */

size_t
smtp_mail_write(const struct smtp_mail_write *m, char *out, size_t size)
{
	struct line l = { .at = out, .size = size };

	put_str(&l, "MAIL FROM:");
	put_path(&l, m->reverse_path);
	if (m->has_size) {
		put_str(&l, " SIZE=");
		put_number(&l, m->size);
	}
	if (m->body != SMTP_WRITE_BODY_UNSAID)
		put_str(&l, m->body == SMTP_WRITE_8BITMIME ?
		    " BODY=8BITMIME" : " BODY=BINARYMIME");
	if (m->smtputf8)
		put_str(&l, " SMTPUTF8");
	if (m->ret != SMTP_WRITE_RET_UNSAID)
		put_str(&l, m->ret == SMTP_WRITE_FULL ? " RET=FULL" :
		    " RET=HDRS");
	if (m->envid.len > 0) {
		put_str(&l, " ENVID=");
		put_xtext(&l, m->envid);
	}
	if (m->auth.len > 0) {
		put_str(&l, " AUTH=");
		if (slice_equal(m->auth, slice_str("<>")))
			put(&l, m->auth);
		else
			put_xtext(&l, m->auth);
	}
	return finish(&l);
}

static void
put_notify(struct line *l, unsigned notify)
{
	static const struct {
		unsigned bit;
		const char *word;
	} words[] = {
		{ SMTP_WRITE_SUCCESS, "SUCCESS" },
		{ SMTP_WRITE_FAILURE, "FAILURE" },
		{ SMTP_WRITE_DELAY, "DELAY" },
	};
	const char *between = " NOTIFY=";

	if (notify & SMTP_WRITE_NEVER) {
		put_str(l, " NOTIFY=NEVER");
		return;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((notify & words[i].bit) == 0)
			continue;
		put_str(l, between);
		put_str(l, words[i].word);
		between = ",";
	}
}

/* RFC 6533 section 3. */
static void
put_unitext(struct line *l, struct slice s, bool eight_bit)
{
	char out[4 * SMTP_UNITEXT_GROWS];

	/* A character at a time: the whole may be long. */
	for (size_t n; s.len > 0; s = slice_skip(s, n)) {
		uint32_t c;

		if ((n = utf8_take(s, &c)) == 0)
			n = 1;
		put(l, slice_of(out, smtp_unitext_encode(slice_of(s.at, n),
		    eight_bit, out)));
	}
}

static void
put_orcpt(struct line *l, struct slice orcpt, bool smtputf8)
{
	static const struct slice utf8 = SLICE_LITERAL("utf-8;");
	const char *semicolon = orcpt.len == 0 ? NULL :
	    memchr(orcpt.at, ';', orcpt.len);
	struct slice type, address;

	if (semicolon == NULL || semicolon == orcpt.at)
		return;
	type = slice_of(orcpt.at, (size_t)(semicolon - orcpt.at) + 1);
	address = slice_skip(orcpt, type.len);
	/* An atom, as RFC 3461 section 4.2 has it; ours since it came in. */
	for (size_t i = 0; i + 1 < type.len; i++)
		if (type.at[i] <= ' ' || type.at[i] > '~' ||
		    strchr("+=<>\"", type.at[i]) != NULL)
			return;
	if (address.len == 0 || (!slice_is_ascii(address) &&
	    !slice_equal_nocase(type, utf8)))
		return;
	put_str(l, " ORCPT=");
	put(l, type);
	if (slice_equal_nocase(type, utf8))
		put_unitext(l, address, smtputf8);
	else
		put_xtext(l, address);
}

size_t
smtp_rcpt_write(const struct smtp_rcpt_write *r, char *out, size_t size)
{
	struct line l = { .at = out, .size = size };

	if (r->address.len == 0)
		return 0;
	put_str(&l, "RCPT TO:");
	put_path(&l, r->address);
	put_notify(&l, r->notify);
	put_orcpt(&l, r->orcpt, r->smtputf8);
	return finish(&l);
}
