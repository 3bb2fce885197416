#ifndef POP3D_AUTHORIZATION_H
#define POP3D_AUTHORIZATION_H

#include "common/gate/gate.h"

/* The AUTHORIZATION state (RFC 1939 section 4) as a gate's protocol. */
extern const struct gate_protocol pop3_protocol;

/* The lines of CAPA (RFC 2449) that hold in every state, "." not included. */
#define POP3_CAPABILITIES						\
	"TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"		\
	"PIPELINING\r\n"						\
	"EXPIRE NEVER\r\nUTF8\r\nIMPLEMENTATION Bulkhead\r\n"
/* And this, where the setting is not 0. */
#define POP3_LOGIN_DELAY "LOGIN-DELAY %llu\r\n"

#endif
