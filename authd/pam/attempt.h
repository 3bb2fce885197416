/* One PAM conversation. */
#ifndef AUTHD_PAM_ATTEMPT_H
#define AUTHD_PAM_ATTEMPT_H

#include "common/ipc/auth.h"

/*
 * May this user, with this password, from this client, use the service whose
 * file is dir/service?  Authenticates and checks the account; opens no
 * session and sets no credentials.  Blocks for as long as the modules like,
 * loads them into this process and leaves there what they leave: call it
 * once, and end.
 */
enum pam_verdict pam_attempt(const char *dir, const char *service,
    const struct auth_pam_attempt *);

#endif
