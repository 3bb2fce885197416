/* The addresses that listeners want. */
#ifndef BULKHEAD_PORTS_H
#define BULKHEAD_PORTS_H

#include "bulkhead/check.h"

/*
 * Of all stages: no address twice, and, while the instance is stopped, none
 * that another program has or that this host has not.
 */
void check_ports(struct check_report *);

#endif
