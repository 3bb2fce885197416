/* What sendmail(1) needs of the configuration. */
#ifndef BULKHEAD_SENDMAIL_SITE_H
#define BULKHEAD_SENDMAIL_SITE_H

#include "bulkhead/sendmail/sendmail.h"

/*
 * Read bulkhead.conf and the domains table of an instance.  The domain for
 * addresses without one is the default domain of the table, or the host's
 * name.  A missing file has its standard values, as everywhere.
 *
 * Returns 0, or EX_CONFIG with what is wrong on standard error.
 */
int sendmail_site_read(struct sendmail_site *, const char *config_dir);
void sendmail_site_clear(struct sendmail_site *);

#endif
