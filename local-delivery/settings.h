/* local-delivery.conf: see local-delivery.conf(5). */
#ifndef LOCAL_DELIVERY_SETTINGS_H
#define LOCAL_DELIVERY_SETTINGS_H

#include "common/settings/settings.h"

#define LOCAL_DELIVERY_SETTINGS(X)					\
	X(workers_max, COUNT, "150", "1", "10000", RELOAD,		\
	    "Delivery workers at once, one process for each owner whose " \
	    "mail arrives.  Keep it below that of bulkhead.conf, which also " \
	    "counts those that are ending.")	\
	X(worker_idle, SECONDS, "30s", "1s", "1h", RELOAD,		\
	    "A worker that had nothing to do for so long is ended.")	\
	X(worker_patience, SECONDS, "5m", "5s", "1d", RELOAD,		\
	    "A worker that answers nothing for so long is given up; what it " \
	    "held is tried again later.")				\
	X(owner_deliveries_max, COUNT, "500", "1", "10000", RELOAD,	\
	    "Deliveries to one owner that may wait here.  Further ones are " \
	    "put off, so that a slow mailbox holds up no other.")	\
	X(deliveries_max, COUNT, "4000", "16", "15000", RELOAD,		\
	    "Deliveries in hand.  Each holds a descriptor.")

struct local_delivery_settings {
	LOCAL_DELIVERY_SETTINGS(SETTING_MEMBER)
};

extern const struct settings_schema local_delivery_schema;

#endif
