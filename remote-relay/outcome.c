#include "remote-relay/outcome.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
set(struct outcome *o, unsigned code, uint8_t subject, uint8_t detail)
{
	*o = (struct outcome){ .code = (uint16_t)code,
		.enhanced = { (uint8_t)(code / 100), subject, detail } };
	o->result = code < 300 ? RELAY_DELIVERED :
	    code < 500 ? RELAY_DEFERRED : RELAY_FAILED;
}

void
outcome_reply(struct outcome *o, const struct smtp_reply_read *r,
    uint8_t subject, uint8_t detail)
{
	unsigned code = r->code;

	/* RFC 5321 has 250, 251 and 252; more says nothing more. */
	if (code >= 200 && code < 300)
		code = code == 251 || code == 252 ? code : 250;
	if (code >= 300 && code < 400) {
		outcome_own(o, 451, 5, 0, "unexpected reply %u", r->code);
		return;
	}
	set(o, code, subject, detail);
	if (r->enhanced[0] != 0)
		memcpy(o->enhanced, r->enhanced, sizeof(o->enhanced));
	memcpy(o->text, r->text, r->text_len);
	o->text_len = r->text_len;
}

static void __attribute__((format(printf, 2, 0)))
own(struct outcome *o, const char *format, va_list ap)
{
	int len = vsnprintf(o->text, sizeof(o->text), format, ap);

	if (len < 0)
		len = 0;
	o->text_len = (size_t)len < sizeof(o->text) ? (size_t)len :
	    sizeof(o->text) - 1;
	for (size_t i = 0; i < o->text_len; i++)
		if (o->text[i] < ' ' || o->text[i] > '~')
			o->text[i] = '?';
}

void
outcome_own(struct outcome *o, uint16_t code, uint8_t subject, uint8_t detail,
    const char *format, ...)
{
	va_list ap;

	set(o, code, subject, detail);
	va_start(ap, format);
	own(o, format, ap);
	va_end(ap);
}

void
outcome_host(struct outcome *o, uint8_t subject, uint8_t detail,
    const char *format, ...)
{
	va_list ap;

	set(o, 451, subject, detail);
	o->host_down = true;
	va_start(ap, format);
	own(o, format, ap);
	va_end(ap);
}
