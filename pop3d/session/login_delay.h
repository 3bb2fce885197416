/* The least time between two logins of one account (RFC 2449 section 6.5). */
#ifndef POP3D_SESSION_LOGIN_DELAY_H
#define POP3D_SESSION_LOGIN_DELAY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Is a login allowed now?  Remembers it, in a file of the owner's index folder
 * whose only meaning is when it was last written; where it cannot be written,
 * or is of the future, everybody is let in.
 */
bool login_delay_passed(int home_fd, uint64_t seconds);

#endif
