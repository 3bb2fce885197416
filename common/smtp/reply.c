#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/smtp/characters.h"
#include "common/smtp/reply.h"
#include "common/utf8/utf8.h"

static size_t
put_number(char *out, unsigned n)
{
	char digits[4];
	size_t len = 0, w = 0;

	do
		digits[len++] = (char)('0' + n % 10);
	while ((n /= 10) != 0 && len < sizeof(digits));
	while (len > 0)
		out[w++] = digits[--len];
	return w;
}

static size_t
put_line(char *out, uint16_t code, const uint8_t enhanced[3],
    struct slice text, int more, bool utf8)
{
	size_t w = put_number(out, code), n;

	out[w++] = more ? '-' : ' ';
	for (int i = 0; i < 3 && enhanced != NULL && enhanced[0] != 0; i++) {
		w += put_number(out + w, enhanced[i]);
		out[w++] = i < 2 ? '.' : ' ';
	}
	for (; text.len > 0; text = slice_skip(text, n)) {
		bool beyond = utf8 && utf8_non_ascii(text) > 0;

		n = beyond ? utf8_non_ascii(text) : 1;
		if (w + n > SMTP_REPLY_LINE_MAX - 2)
			break;
		memcpy(out + w, beyond || smtp_is_printable(text.at[0]) ?
		    text.at : "?", n);
		w += n;
	}
	out[w++] = '\r';
	out[w++] = '\n';
	return w;
}

size_t
smtp_reply_line(char *out, uint16_t code, const uint8_t enhanced[3],
    struct slice text, int more)
{
	return put_line(out, code, enhanced, text, more, false);
}

size_t
smtp_reply_line_utf8(char *out, uint16_t code, const uint8_t enhanced[3],
    struct slice text, int more)
{
	return put_line(out, code, enhanced, text, more, true);
}

size_t
smtp_reply_status(char *out, const struct smtp_status *s)
{
	return smtp_reply_line(out, s->code, s->enhanced, slice_str(s->text),
	    0);
}

static const struct meaning {
	uint8_t		 subject, detail;
	const char	*text;
} meanings[] = {
	{ 0, 0, "other undefined status" },
	{ 1, 0, "other address status" },
	{ 1, 1, "bad destination mailbox address" },
	{ 1, 2, "bad destination system address" },
	{ 1, 3, "bad destination mailbox address syntax" },
	{ 1, 4, "destination mailbox address ambiguous" },
	{ 1, 5, "destination mailbox address valid" },
	{ 1, 6, "mailbox has moved" },
	{ 1, 7, "bad sender's mailbox address syntax" },
	{ 1, 8, "bad sender's system address" },
	{ 1, 10, "recipient address has null MX" },
	{ 2, 0, "other or undefined mailbox status" },
	{ 2, 1, "mailbox disabled, not accepting messages" },
	{ 2, 2, "mailbox full" },
	{ 2, 3, "message length exceeds administrative limit" },
	{ 2, 4, "mailing list expansion problem" },
	{ 3, 0, "other or undefined mail system status" },
	{ 3, 1, "mail system full" },
	{ 3, 2, "system not accepting network messages" },
	{ 3, 3, "system not capable of selected features" },
	{ 3, 4, "message too big for system" },
	{ 3, 5, "system incorrectly configured" },
	{ 4, 0, "other or undefined network or routing status" },
	{ 4, 1, "no answer from host" },
	{ 4, 2, "bad connection" },
	{ 4, 3, "directory server failure" },
	{ 4, 4, "unable to route" },
	{ 4, 5, "mail system congestion" },
	{ 4, 6, "routing loop detected" },
	{ 4, 7, "delivery time expired" },
	{ 5, 0, "other or undefined protocol status" },
	{ 5, 1, "invalid command" },
	{ 5, 2, "syntax error" },
	{ 5, 3, "too many recipients" },
	{ 5, 4, "invalid command arguments" },
	{ 5, 5, "wrong protocol version" },
	{ 6, 0, "other or undefined media error" },
	{ 6, 1, "media not supported" },
	{ 6, 2, "conversion required and prohibited" },
	{ 6, 3, "conversion required but not supported" },
	{ 6, 4, "conversion with loss performed" },
	{ 6, 5, "conversion failed" },
	{ 6, 7, "non-ASCII addresses not permitted" },
	{ 7, 0, "other or undefined security status" },
	{ 7, 1, "delivery not authorized, message refused" },
	{ 7, 2, "mailing list expansion prohibited" },
	{ 7, 3, "security conversion required but not possible" },
	{ 7, 4, "security features not supported" },
	{ 7, 5, "cryptographic failure" },
	{ 7, 6, "cryptographic algorithm not supported" },
	{ 7, 7, "message integrity failure" },
};

const char *
smtp_enhanced_text(uint8_t subject, uint8_t detail)
{
	const char *found = meanings[0].text;

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].subject != subject)
			continue;
		if (meanings[i].detail == detail)
			return meanings[i].text;
		if (meanings[i].detail == 0)
			found = meanings[i].text;
	}
	return found;
}
