/* Which known name did they mean? */
#ifndef COMMON_SETTINGS_NEAREST_H
#define COMMON_SETTINGS_NEAREST_H

#include "common/slice/slice.h"

/*
 * How many letters must be added, left out, replaced or swapped with their
 * neighbour to make b from a.  Names over 64 octets: 65.
 */
size_t nearest_distance(struct slice a, struct slice b);

/* A distance up to which a suggestion helps, for a name of len octets. */
size_t nearest_limit(size_t len);

#endif
