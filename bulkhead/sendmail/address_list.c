/* A list of addresses, and the one way of failing. */
#include "bulkhead/sendmail/sendmail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int
address_list_add(struct address_list *l, struct slice address)
{
	char **grown;

	if (l->count == SENDMAIL_RECIPIENTS_MAX) {
		errno = ENOBUFS;
		return -1;
	}
	grown = reallocarray(l->at, l->count + 1, sizeof(*l->at));
	if (grown == NULL)
		return -1;
	l->at = grown;
	if ((l->at[l->count] = strndup(address.at, address.len)) == NULL)
		return -1;
	l->count++;
	return 0;
}

void
address_list_clear(struct address_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->at[i]);
	free(l->at);
	*l = (struct address_list){ 0 };
}

int
sendmail_fail(int status, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("sendmail: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	return status;
}
