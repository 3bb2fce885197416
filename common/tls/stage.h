/*
 * What a stage that serves TLS adds to its hooks: a handler of
 * IPC_STAGE_CERTIFICATE, the channel to tlskeyd, and tls_server_commit() in
 * its commit.
 */
#ifndef COMMON_TLS_STAGE_H
#define COMMON_TLS_STAGE_H

#include "common/ipc/ipc.h"
#include "common/tls/tls.h"

/* STAGE_CERTIFICATE; -1: malformed. */
int tls_server_take(struct tls_server *, struct ipc_message *);
/* The same for one that asks, which has tls_store_commit() in its commit. */
int tls_store_take(struct tls_store *, struct ipc_message *);

#endif
