/*
 * VRFY and EXPN (RFC 5321 section 3.5), where the settings allow them: what
 * directory says of an address or of a list.  Input rests until the reply.
 */
#ifndef SMTPD_VERIFY_H
#define SMTPD_VERIFY_H

#include "common/ipc/directory.h"
#include "smtpd/session.h"

void vrfy_command(struct session *, struct slice args);
void expn_command(struct session *, struct slice args);

/* Is this the ask of a VRFY, or of an EXPN? */
bool vrfy_is(const struct ask *);
bool expn_is(const struct ask *);
/* directory's answers to them. */
void vrfy_resolved(struct ask *, const struct directory_resolved *);
void expn_expanded(struct ask *, struct directory_expanded *);

/* The session ends: forget what is being asked. */
void verify_forget(struct session *);

#endif
