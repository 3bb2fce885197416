/*
 * Fields of the STAGE_* messages, for supervisor and common/stage alone.
 * encode answers the length of the body; decode 0, or -1 when malformed.
 */
#ifndef COMMON_STAGE_FIELDS_H
#define COMMON_STAGE_FIELDS_H

#include "common/ipc/roles.h"
#include "common/slice/slice.h"
#include "common/stage/stage.h"

enum { STAGE_BODY_MAX = 64, STAGE_NAME_MAX = 48 };

size_t stage_table_encode(enum stage_table, void *buf);
int stage_table_decode(struct slice, enum stage_table *);
/* name is at most STAGE_NAME_MAX octets. */
size_t stage_listener_encode(const char *name, void *buf);
int stage_listener_decode(struct slice, char name[STAGE_NAME_MAX + 1]);
/* STAGE_CHANNEL and STAGE_CHANNEL_LOST. */
size_t stage_channel_encode(const struct stage_peer *, void *buf);
int stage_channel_decode(struct slice, struct stage_peer *);
/* STAGE_LOG: enum log_form. */
size_t stage_log_encode(int form, void *buf);
int stage_log_decode(struct slice, int *form);

#endif
