/*
 * sendmail(1), mailq(1), newaliases(1): one program, three names.  It has
 * the caller's rights and no others.
 */
#include "bulkhead/sendmail/sendmail.h"
#include "bulkhead/sendmail/site.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* A closed 0, 1 or 2 would be given to the next file that is opened. */
static int
open_standard_descriptors(void)
{
	int fd;

	do {
		if ((fd = open("/dev/null", O_RDWR)) == -1)
			return -1;
	} while (fd <= STDERR_FILENO);
	return close(fd);
}

/* The queue is shown and flushed by bulkhead(8), which asks the suite. */
static int
queue_command(const struct sendmail_options *o, const char *verb)
{
	execl(BULKHEAD_SBINDIR "/bulkhead", "bulkhead", "-C", o->config_dir,
	    "queue", verb, (char *)NULL);
	return sendmail_fail(EX_OSFILE, BULKHEAD_SBINDIR "/bulkhead: %s",
	    strerror(errno));
}

/* There is nothing to build.  What can be done is to look for mistakes. */
static int
newaliases(const struct sendmail_options *o)
{
	puts("newaliases: nothing to do: tables are read again when they "
	    "change");
	fflush(stdout);
	execl(BULKHEAD_SBINDIR "/bulkhead", "bulkhead", "-C", o->config_dir,
	    "check", (char *)NULL);
	return 0;
}

static int
run(const struct sendmail_options *o, const struct sendmail_site *site)
{
	switch (o->mode) {
	case MODE_QUEUE_LIST:
		return queue_command(o, "list");
	case MODE_QUEUE_FLUSH:
		return queue_command(o, "flush");
	case MODE_NEWALIASES:
		return newaliases(o);
	case MODE_SMTP:
		return sendmail_smtp(site);
	case MODE_SUBMIT:
		break;
	}
	return sendmail_submit(o, site);
}

int
main(int argc, char *argv[])
{
	struct sendmail_options options;
	struct sendmail_site site;
	int status;

	if (open_standard_descriptors() == -1)
		return EX_OSERR;
	signal(SIGPIPE, SIG_IGN);
	if ((status = sendmail_options_parse(&options, argc, argv)) == 0 &&
	    (status = sendmail_site_read(&site, options.config_dir)) == 0) {
		status = run(&options, &site);
		sendmail_site_clear(&site);
	}
	address_list_clear(&options.recipients);
	return status;
}
