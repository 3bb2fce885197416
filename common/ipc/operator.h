/*
 * Fields of CONTROL_*: what bulkhead(8) asks of supervisor, in numbers.
 */
#ifndef COMMON_IPC_OPERATOR_H
#define COMMON_IPC_OPERATOR_H

#include <stdint.h>

#include "common/ipc/roles.h"
#include "common/slice/slice.h"

enum operator_command {
	OPERATOR_STATUS = 1,	/* CONTROL_PROCESS rows, then the answer */
	OPERATOR_STOP,		/* answered at once; the end of the channel
				 * says that all have stopped */
	OPERATOR_RELOAD,	/* one stage, or OPERATOR_ALL */
	OPERATOR_RESTART,	/* one stage */
	OPERATOR_QUEUE		/* a channel to queue-manager */
};

enum { OPERATOR_ALL = 255, OPERATOR_BODY_MAX = 64 };

enum operator_result {
	OPERATOR_DONE,
	OPERATOR_UNKNOWN_STAGE,	/* no such stage, or none that may be meant */
	OPERATOR_NOT_RUNNING,
	OPERATOR_FAILED
};

enum operator_state {
	OPERATOR_STATE_DOWN,
	OPERATOR_STATE_STARTING,
	OPERATOR_STATE_READY,
	OPERATOR_STATE_STOPPING,
};

struct operator_process {
	enum ipc_role	role;
	uint32_t	instance;
	uint8_t		state;		/* enum operator_state */
	uint32_t	pid;		/* 0: none */
	uint32_t	uid;
	uint32_t	restarts;
	uint64_t	seconds;	/* since it was started */
	uint8_t		account_kind;	/* 0: not an owner's */
	uint32_t	account_number;
};

size_t operator_ask_encode(enum operator_command, uint8_t role, void *buf);
int operator_ask_decode(struct slice, enum operator_command *, uint8_t *role);
size_t operator_answer_encode(enum operator_result, void *buf);
int operator_answer_decode(struct slice, enum operator_result *);
size_t operator_process_encode(const struct operator_process *, void *buf);
int operator_process_decode(struct slice, struct operator_process *);

#endif
