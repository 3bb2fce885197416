/*
 * The certificate that is used while bulkhead.conf names none: made by
 * `bulkhead start` and `bulkhead reload`, kept in state_dir, its key readable
 * by root alone.  And what `bulkhead check` says about certificates.
 */
#ifndef BULKHEAD_OWN_CERTIFICATE_H
#define BULKHEAD_OWN_CERTIFICATE_H

#include "bulkhead/bulkhead.h"
#include "bulkhead/check.h"

/*
 * Make it where there is none that will do: none at all, of another host
 * name, or with less than 30 days to go.  Returns 0, also where certificates
 * are named; else an exit status, after saying why.
 */
int own_certificate_ensure(struct bulkhead *);

/* Certificates that are named: can they be read, do key and chain belong
 * together, who else may read the key, when do they expire. */
void check_certificates(struct check_report *);

#endif
