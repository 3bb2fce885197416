#include "queue-manager/bounce.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/message/encode.h"
#include "common/smtp/date.h"
#include "common/smtp/dsn.h"

/* No line of a header field is longer; and nothing but octets of one line. */
enum { LINE_MAX_OCTETS = 990 };

struct slice
bounce_headers(struct slice content)
{
	size_t at = 0, max = content.len < BOUNCE_HEADERS_MAX ? content.len :
	    BOUNCE_HEADERS_MAX;

	while (at < max) {
		const char *lf = memchr(content.at + at, '\n', max - at);
		size_t end;

		if (lf == NULL)
			break;		/* cut here: whole lines only */
		end = (size_t)(lf - content.at) + 1;
		if (end - at <= 2)
			break;		/* the empty line */
		at = end;
	}
	return slice_of(content.at, at);
}

static bool
is_8bit(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] > 0x7e)
			return true;
	return false;
}

/* Text from elsewhere, on the line that is being written. */
static void
put(FILE *f, struct slice s)
{
	size_t len = s.len < LINE_MAX_OCTETS ? s.len : LINE_MAX_OCTETS;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		putc(c < ' ' || c == 0x7f ? '?' : c, f);
	}
}

static void
put_boundary(FILE *f, const struct bounce *b)
{
	for (size_t i = 0; i < sizeof(b->boundary); i++)
		fprintf(f, "%02x", b->boundary[i]);
}

bool
bounce_is_international(const struct bounce *b)
{
	return is_8bit(b->to) || is_8bit(b->reverse_path);
}

/* RFC 6533: an address in it is not ASCII, or the message may have such. */
static bool
is_global(const struct bounce *b)
{
	if (b->smtputf8 || bounce_is_international(b))
		return true;
	for (size_t i = 0; i < b->n; i++)
		if (is_8bit(b->recipients[i].final))
			return true;
	return false;
}

/*
 * RFC 6533 section 4.5: whether the host of an ASCII address takes SMTPUTF8 is
 * not known, so what is beyond ASCII goes there in an encoding that all take.
 * The reader of an address that is not ASCII is reached by nobody else.
 */
static bool
wants_ascii(const struct bounce *b)
{
	return is_global(b) && !bounce_is_international(b);
}

/* A body that is beyond ASCII, in lines that are not. */
static void
put_encoded(FILE *f, struct slice body)
{
	enum { PIECE = 4096 };
	char out[4 * PIECE + ENCODE_ROOM];
	struct encode_state state = { 0 };
	struct text end;

	while (body.len > 0) {
		size_t n = body.len < PIECE ? body.len : PIECE;
		/* cppcheck-suppress legacyUninitvar ; it is written to */
		struct text t = { out, 0, sizeof(out), false };

		encode_quoted_printable(&state, slice_of(body.at, n), &t);
		fwrite(t.at, 1, t.len, f);
		body = slice_skip(body, n);
	}
	end = (struct text){ out, 0, sizeof(out), false };
	encode_quoted_printable_end(&state, &end);
	fwrite(out, 1, end.len, f);
}

/* One part: its fields, how it is encoded, and its body. */
static void
put_part(FILE *f, const struct bounce *b, const char *type,
    const char *description, struct slice body)
{
	bool eight = is_8bit(body), encode = eight && wants_ascii(b);

	fputs("\r\n--", f);
	put_boundary(f, b);
	fprintf(f, "\r\nContent-Type: %s\r\nContent-Description: %s\r\n%s\r\n",
	    type, description, encode ?
	    "Content-Transfer-Encoding: quoted-printable\r\n" : eight ?
	    "Content-Transfer-Encoding: 8bit\r\n" : "");
	if (encode)
		put_encoded(f, body);
	else
		fwrite(body.at, 1, body.len, f);
}

typedef void body_writer(FILE *, const struct bounce *);

/* The same with a body that is written meanwhile.  False: no memory. */
static bool
put_made_part(FILE *f, const struct bounce *b, const char *type,
    const char *description, body_writer *write)
{
	char *body = NULL;
	size_t len = 0;
	FILE *made = open_memstream(&body, &len);
	bool good;

	if (made == NULL)
		return false;
	write(made, b);
	good = ferror(made) == 0;
	good = fclose(made) == 0 && good;
	if (good)
		put_part(f, b, type, description, slice_of(body, len));
	free(body);
	return good;
}

static bool
has_action(const struct bounce *b, enum bounce_action action)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->recipients[i].action == action)
			return true;
	return false;
}

static const char *
subject(const struct bounce *b)
{
	if (has_action(b, BOUNCE_FAILED))
		return "Undelivered mail returned to sender";
	if (has_action(b, BOUNCE_DELAYED))
		return "Mail is delayed (it is still being tried)";
	return "Mail was delivered";
}

static void
put_header(FILE *f, const struct bounce *b)
{
	char date[SMTP_DATE_SIZE];

	smtp_date(b->now, date);
	fputs("From: Mail Delivery System <MAILER-DAEMON@", f);
	put(f, b->hostname);
	fputs(">\r\nTo: <", f);
	put(f, b->to);
	fprintf(f, ">\r\nSubject: %s\r\n"
	    "Date: %s\r\nMessage-ID: <%012" PRIx64 ".", subject(b), date,
	    b->queue_id);
	put_boundary(f, b);
	putc('@', f);
	put(f, b->hostname);
	fputs(">\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"", f);
	put_boundary(f, b);
	fputs("\"\r\n", f);
	if ((is_8bit(b->content) || is_global(b)) && !wants_ascii(b))
		fputs("Content-Transfer-Encoding: 8bit\r\n", f);
	fputs("\r\nThis is a report in MIME format.\r\n", f);
}

/* Those of one action, with what it means in front. */
static void
put_people_of(FILE *f, const struct bounce *b, enum bounce_action action,
    const char *meaning)
{
	if (!has_action(b, action))
		return;
	fprintf(f, "\r\n%s\r\n", meaning);
	for (size_t i = 0; i < b->n; i++) {
		const struct bounce_recipient *r = &b->recipients[i];

		if (r->action != action)
			continue;
		fputs("\r\n<", f);
		put(f, r->final);
		fputs(">:\r\n    ", f);
		if (r->remote_mta.len > 0) {
			fputs("host ", f);
			put(f, r->remote_mta);
			fputs(" said:\r\n    ", f);
		}
		put(f, r->text);
		fputs("\r\n", f);
	}
}

static void
write_for_people(FILE *f, const struct bounce *b)
{
	fputs("This is the mail system at host ", f);
	put(f, b->hostname);
	fprintf(f, ".  It is about the message\r\n"
	    "that has the queue id %012" PRIx64 " here.\r\n", b->about);
	put_people_of(f, b, BOUNCE_FAILED, "It could not be delivered to the "
	    "recipients below, and will not be\r\ntried again.");
	put_people_of(f, b, BOUNCE_DELAYED, "It could not be delivered yet to "
	    "the recipients below.  It is still being\r\ntried: there is "
	    "nothing for you to do.");
	put_people_of(f, b, BOUNCE_DELIVERED, "It was delivered to:");
	put_people_of(f, b, BOUNCE_RELAYED, "It was handed over for the "
	    "recipients below to a host that will not tell\r\nwhether it "
	    "arrives.");
	put_people_of(f, b, BOUNCE_EXPANDED, "It was sent on to those behind "
	    "the addresses below:");
}

/* A value of EmbeddedUnicodeChar (RFC 6533 section 3) at the front of s, and
 * how many octets it takes there; 0: there is none. */
static size_t
embedded(struct slice s, uint32_t *c)
{
	size_t n = 3;

	*c = 0;
	if (s.len < 6 || memcmp(s.at, "\\x{", 3) != 0)
		return 0;
	for (; n < s.len && n < 9 && s.at[n] != '}'; n++) {
		const char *hex = "0123456789ABCDEF";
		const char *at = s.at[n] == '\0' ? NULL : strchr(hex, s.at[n]);

		if (at == NULL)
			return 0;
		*c = *c * 16 + (uint32_t)(at - hex);
	}
	if (n < 5 || n == s.len || s.at[n] != '}' || *c > 0x10ffff ||
	    (*c >= 0xd800 && *c < 0xe000) || *c < ' ' || *c == 0x7f)
		return 0;
	return n + 1;
}

static void
put_utf8(FILE *f, uint32_t c)
{
	if (c < 0x80)
		putc((int)c, f);
	else if (c < 0x800)
		fprintf(f, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 63));
	else if (c < 0x10000)
		fprintf(f, "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 63),
		    0x80 | (c & 63));
	else
		fprintf(f, "%c%c%c%c", 0xf0 | c >> 18,
		    0x80 | (c >> 12 & 63), 0x80 | (c >> 6 & 63),
		    0x80 | (c & 63));
}

/* utf-8-addr-xtext: in a report that has no UTF-8. */
static void
put_unitext(FILE *f, struct slice s)
{
	char *out = malloc(s.len * SMTP_UNITEXT_GROWS + 1);

	if (out == NULL)
		return;		/* so does the stream fail, soon */
	put(f, slice_of(out, smtp_unitext_encode(s, false, out)));
	free(out);
}

/* RFC 6533 section 3: in a report that may have UTF-8, an address of that
 * type stands as it is. */
static void
put_original_address(FILE *f, const struct bounce *b, struct slice s)
{
	static const struct slice type = SLICE_LITERAL("utf-8;");
	uint32_t c;
	size_t n;

	if (!slice_starts_nocase(s, type)) {
		put(f, s);
		return;
	}
	put(f, type);
	s = slice_skip(s, type.len);
	if (!is_global(b) && slice_is_ascii(s)) {
		put(f, s);
		return;
	}
	if (!is_global(b)) {
		put_unitext(f, s);
		return;
	}
	while (s.len > 0) {
		if ((n = embedded(s, &c)) > 0) {
			put_utf8(f, c);
			s = slice_skip(s, n);
		} else {
			put(f, slice_of(s.at, 1));
			s = slice_skip(s, 1);
		}
	}
}

static void
put_time(FILE *f, const char *field, time_t t)
{
	char date[SMTP_DATE_SIZE];

	smtp_date(t, date);
	fprintf(f, "%s: %s\r\n", field, date);
}

static void
put_diagnostic(FILE *f, const struct bounce_recipient *r)
{
	if (r->remote_mta.len > 0) {
		fputs("Remote-MTA: dns; ", f);
		put(f, r->remote_mta);
		fprintf(f, "\r\nDiagnostic-Code: smtp; %u %u.%u.%u ", r->code,
		    r->enhanced[0], r->enhanced[1], r->enhanced[2]);
	} else
		fputs("Diagnostic-Code: X-Bulkhead; ", f);
	put(f, r->text);
	fputs("\r\n", f);
}

static void
put_recipient(FILE *f, const struct bounce *b,
    const struct bounce_recipient *r)
{
	static const char *const actions[] = {
		[BOUNCE_FAILED] = "failed", [BOUNCE_DELAYED] = "delayed",
		[BOUNCE_DELIVERED] = "delivered",
		[BOUNCE_RELAYED] = "relayed", [BOUNCE_EXPANDED] = "expanded",
	};

	fputs("\r\n", f);
	if (r->original.len > 0) {
		fputs("Original-Recipient: ", f);
		put_original_address(f, b, r->original);
		fputs("\r\n", f);
	}
	fprintf(f, "Final-Recipient: %s; ",
	    is_8bit(r->final) ? "utf-8" : "rfc822");
	put(f, r->final);
	fprintf(f, "\r\nAction: %s\r\nStatus: %u.%u.%u\r\n",
	    actions[r->action], r->enhanced[0], r->enhanced[1],
	    r->enhanced[2]);
	if (r->text.len > 0)
		put_diagnostic(f, r);
	if (r->last_attempt != 0)
		put_time(f, "Last-Attempt-Date", r->last_attempt);
	if (r->action == BOUNCE_DELAYED)
		put_time(f, "Will-Retry-Until", r->retry_until);
}

static void
write_status(FILE *f, const struct bounce *b)
{
	if (b->envid.len > 0) {
		fputs("Original-Envelope-Id: ", f);
		put(f, b->envid);
		fputs("\r\n", f);
	}
	fputs("Reporting-MTA: dns; ", f);
	put(f, b->hostname);
	fputs("\r\n", f);
	put_time(f, "Arrival-Date", b->arrival);
	for (size_t i = 0; i < b->n; i++)
		put_recipient(f, b, &b->recipients[i]);
}

static void
write_headers(FILE *f, const struct bounce *b)
{
	fputs("Return-Path: <", f);
	put(f, b->reverse_path);
	fputs(">\r\n", f);
	fwrite(b->content.at, 1, b->content.len, f);
}

/* What it is about; the whole of it is not copied once more. */
static bool
put_original(FILE *f, const struct bounce *b)
{
	bool global = is_global(b);

	if (!b->whole)
		return put_made_part(f, b, global ? "message/global-headers" :
		    "text/rfc822-headers", "Header of the message",
		    write_headers);
	put_part(f, b, global ? "message/global" : "message/rfc822",
	    "The message", b->content);
	return true;
}

static bool
put_parts(FILE *f, const struct bounce *b)
{
	bool global = is_global(b);

	if (!put_made_part(f, b, global ? "text/plain; charset=utf-8" :
	    "text/plain; charset=us-ascii", "Notification",
	    write_for_people) ||
	    !put_made_part(f, b, global ? "message/global-delivery-status" :
	    "message/delivery-status", "Delivery report", write_status) ||
	    !put_original(f, b))
		return false;
	fputs("\r\n--", f);
	put_boundary(f, b);
	fputs("--\r\n", f);
	return true;
}

char *
bounce_write(const struct bounce *b, size_t *len)
{
	char *octets = NULL;
	FILE *f = open_memstream(&octets, len);
	bool failed;

	if (f == NULL)
		return NULL;
	put_header(f, b);
	failed = !put_parts(f, b) || ferror(f) != 0;
	if (fclose(f) != 0 || failed) {
		free(octets);
		return NULL;
	}
	return octets;
}
