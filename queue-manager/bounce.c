#include "queue-manager/bounce.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/smtp/date.h"

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

static void
put_part(FILE *f, const struct bounce *b, const char *fields)
{
	fputs("\r\n--", f);
	put_boundary(f, b);
	fprintf(f, "\r\n%s\r\n", fields);
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
	fprintf(f, ">\r\nSubject: Undelivered mail returned to sender\r\n"
	    "Date: %s\r\nMessage-ID: <%012" PRIx64 ".", date, b->queue_id);
	put_boundary(f, b);
	putc('@', f);
	put(f, b->hostname);
	fputs(">\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"", f);
	put_boundary(f, b);
	fputs("\"\r\n", f);
	if (is_8bit(b->headers))
		fputs("Content-Transfer-Encoding: 8bit\r\n", f);
	fputs("\r\nThis is a report in MIME format.\r\n", f);
}

static void
put_for_people(FILE *f, const struct bounce *b)
{
	put_part(f, b, "Content-Type: text/plain; charset=us-ascii\r\n"
	    "Content-Description: Notification\r\n");
	fputs("This is the mail system at host ", f);
	put(f, b->hostname);
	fprintf(f, ".\r\n\r\nA message with the queue id %012" PRIx64
	    " could not be delivered to\r\nthe recipients below.  It will "
	    "not be tried again.\r\n", b->about);
	for (size_t i = 0; i < b->n; i++) {
		fputs("\r\n<", f);
		put(f, b->recipients[i].final);
		fputs(">:\r\n    ", f);
		put(f, b->recipients[i].text);
		fputs("\r\n", f);
	}
}

static void
put_recipient(FILE *f, const struct bounce_recipient *r)
{
	fputs("\r\n", f);
	if (r->original.len > 0) {
		fputs("Original-Recipient: ", f);
		put(f, r->original);
		fputs("\r\n", f);
	}
	fputs("Final-Recipient: rfc822; ", f);
	put(f, r->final);
	fprintf(f, "\r\nAction: failed\r\nStatus: %u.%u.%u\r\n",
	    r->enhanced[0], r->enhanced[1], r->enhanced[2]);
	fprintf(f, "Diagnostic-Code: smtp; %u ", r->code);
	put(f, r->text);
	fputs("\r\n", f);
}

static void
put_status(FILE *f, const struct bounce *b)
{
	char date[SMTP_DATE_SIZE];

	put_part(f, b, "Content-Type: message/delivery-status\r\n"
	    "Content-Description: Delivery report\r\n");
	smtp_date(b->arrival, date);
	fputs("Reporting-MTA: dns; ", f);
	put(f, b->hostname);
	fprintf(f, "\r\nArrival-Date: %s\r\n", date);
	for (size_t i = 0; i < b->n; i++)
		put_recipient(f, &b->recipients[i]);
}

static void
put_original(FILE *f, const struct bounce *b)
{
	bool eight = is_8bit(b->headers);

	put_part(f, b, eight ? "Content-Type: text/rfc822-headers\r\n"
	    "Content-Description: Header of the undelivered message\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n" :
	    "Content-Type: text/rfc822-headers\r\n"
	    "Content-Description: Header of the undelivered message\r\n");
	fputs("Return-Path: <", f);
	put(f, b->reverse_path);
	fputs(">\r\n", f);
	fwrite(b->headers.at, 1, b->headers.len, f);
	fputs("\r\n--", f);
	put_boundary(f, b);
	fputs("--\r\n", f);
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
	put_for_people(f, b);
	put_status(f, b);
	put_original(f, b);
	failed = ferror(f) != 0;
	if (fclose(f) != 0 || failed) {
		free(octets);
		return NULL;
	}
	return octets;
}
