#ifndef IMAPD_AUTHENTICATION_H
#define IMAPD_AUTHENTICATION_H

#include "common/gate/gate.h"

/* The not-authenticated state (RFC 3501 section 6.2) as a gate's protocol. */
extern const struct gate_protocol imap_protocol;

#endif
