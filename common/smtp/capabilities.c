#include "common/smtp/capabilities.h"

#include "common/smtp/characters.h"

/* The next word of *in, spaces in front of it skipped; empty at the end. */
static struct slice
word_take(struct slice *in)
{
	struct slice word;
	size_t len = 0;

	while (in->len > 0 && in->at[0] == ' ')
		*in = slice_skip(*in, 1);
	while (len < in->len && in->at[len] != ' ')
		len++;
	word = slice_of(in->at, len);
	*in = slice_skip(*in, len);
	return word;
}

static void
take_size(struct smtp_capabilities *c, struct slice rest)
{
	unsigned long long n;

	if (slice_number(word_take(&rest), UINT64_MAX, &n) == 0)
		c->size = n;
}

/* Printable words alone: they are compared, and shown in the log. */
static void
take_mechanisms(struct smtp_capabilities *c, struct slice rest)
{
	struct slice word;

	while ((word = word_take(&rest)).len > 0) {
		bool fits = word.len + 1 <=
		    sizeof(c->mechanisms) - c->mechanisms_len;

		for (size_t i = 0; i < word.len && fits; i++)
			fits = smtp_is_printable(word.at[i]);
		if (!fits)
			continue;
		if (c->mechanisms_len > 0)
			c->mechanisms[c->mechanisms_len++] = ' ';
		memcpy(c->mechanisms + c->mechanisms_len, word.at, word.len);
		c->mechanisms_len += word.len;
	}
}

static void
take_limits(struct smtp_capabilities *c, struct slice rest)
{
	static const struct slice mail = SLICE_LITERAL("MAILMAX=");
	static const struct slice rcpt = SLICE_LITERAL("RCPTMAX=");
	struct slice word;
	unsigned long long n;

	while ((word = word_take(&rest)).len > 0) {
		if (slice_starts_nocase(word, mail) && slice_number(
		    slice_skip(word, mail.len), 999999, &n) == 0)
			c->mail_max = (uint32_t)n;
		else if (slice_starts_nocase(word, rcpt) && slice_number(
		    slice_skip(word, rcpt.len), 999999, &n) == 0)
			c->rcpt_max = (uint32_t)n;
	}
}

static const struct keyword {
	struct slice	name;
	unsigned	bit;
	void		(*take)(struct smtp_capabilities *, struct slice);
} keywords[] = {
	{ SLICE_LITERAL("PIPELINING"), SMTP_HAS_PIPELINING, NULL },
	{ SLICE_LITERAL("SIZE"), SMTP_HAS_SIZE, take_size },
	{ SLICE_LITERAL("8BITMIME"), SMTP_HAS_8BITMIME, NULL },
	{ SLICE_LITERAL("ENHANCEDSTATUSCODES"), SMTP_HAS_ENHANCED, NULL },
	{ SLICE_LITERAL("DSN"), SMTP_HAS_DSN, NULL },
	{ SLICE_LITERAL("CHUNKING"), SMTP_HAS_CHUNKING, NULL },
	{ SLICE_LITERAL("BINARYMIME"), SMTP_HAS_BINARYMIME, NULL },
	{ SLICE_LITERAL("SMTPUTF8"), SMTP_HAS_SMTPUTF8, NULL },
	{ SLICE_LITERAL("STARTTLS"), SMTP_HAS_STARTTLS, NULL },
	{ SLICE_LITERAL("AUTH"), SMTP_HAS_AUTH, take_mechanisms },
	{ SLICE_LITERAL("LIMITS"), SMTP_HAS_LIMITS, take_limits },
};

void
smtp_capabilities_line(struct smtp_capabilities *c, struct slice line)
{
	static const struct slice old_auth = SLICE_LITERAL("AUTH=");
	struct slice name = word_take(&line);

	/* "AUTH=LOGIN", as servers said before RFC 2554. */
	if (slice_starts_nocase(name, old_auth)) {
		c->have |= SMTP_HAS_AUTH;
		take_mechanisms(c, slice_skip(name, old_auth.len));
		take_mechanisms(c, line);
		return;
	}
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (!slice_equal_nocase(name, keywords[i].name))
			continue;
		c->have |= keywords[i].bit;
		if (keywords[i].take != NULL)
			keywords[i].take(c, line);
		return;
	}
}

void
smtp_capabilities_end(struct smtp_capabilities *c)
{
	if ((c->have & SMTP_HAS_CHUNKING) == 0)
		c->have &= ~(unsigned)SMTP_HAS_BINARYMIME;
}
