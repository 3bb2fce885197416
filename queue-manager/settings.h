/* queue-manager.conf: see queue-manager.conf(5). */
#ifndef QUEUE_MANAGER_SETTINGS_H
#define QUEUE_MANAGER_SETTINGS_H

#include "common/settings/settings.h"

#define QUEUE_MANAGER_SETTINGS(X)                                             \
	X(retry_min, SECONDS, "5m", "1s", "1d", RELOAD,                       \
	    "Wait after the first attempt that failed for now; twice as "     \
	    "long after each further one.")                                   \
	X(retry_max, SECONDS, "2h", "1s", "7d", RELOAD,                       \
	    "Longest wait between two attempts.")                             \
	X(lifetime, SECONDS, "5d", "10s", "100d", RELOAD,                     \
	    "A recipient that was not reached for so long is given up, and "  \
	    "the sender told (RFC 5321 section 4.5.4.1).")                    \
	X(deliveries, COUNT, "2000", "1", "4000", RELOAD,                     \
	    "Deliveries under way at once.")                                  \
	X(mailbox_deliveries, COUNT, "128", "1", "4000", RELOAD,              \
	    "Of them, to one mailbox.")                                       \
	X(delivery_wait, COUNT, "4000", "0", "10000", RELOAD,                 \
	    "Milliseconds that a delivery into a mailbox waits at most for "  \
	    "others while much mail comes in, so that they begin together "   \
	    "and a burst is accepted first: a quarter of it at some hundred " \
	    "a second, all of it at some thousand.  A letter alone never "    \
	    "waits.")                                                         \
	X(relays, COUNT, "500", "1", "4000", RELOAD,                          \
	    "Deliveries to other hosts under way at once.")                   \
	X(destination_relays, COUNT, "20", "1", "1000", RELOAD,               \
	    "Of them, to one destination: a route and a domain.  It "         \
	    "begins with 5, more while they succeed, fewer while they fail.") \
	X(recipients_per_relay, COUNT, "50", "1", "100", RELOAD,              \
	    "Recipients of one message at one destination that go together.") \
	X(active_messages, COUNT, "40000", "100", "1000000", RELOAD,          \
	    "Messages held in memory, some 1.5 KiB each.  The others wait "   \
	    "in the spool's index.  Half as many deliveries gather for "      \
	    "delivery_wait at most.")                                         \
	X(content_descriptors, COUNT, "4000", "10", "12000", RELOAD,          \
	    "Messages whose content is kept at hand as it came, in memory "   \
	    "up to 256 KiB each; that of the others is read from the spool "  \
	    "again.")                                                         \
	X(delay_warning, SECONDS, "4h", "0", "100d", RELOAD,                  \
	    "After so long, once, the sender of a message that is still "     \
	    "not delivered is told (RFC 3461 section 4.1: unless NOTIFY is "  \
	    "given without DELAY).  0: never.")                               \
	X(report_content_max, SIZE, "50K", "0", "10M", RELOAD,                \
	    "A larger message is not returned whole in a report, even where " \
	    "RET=FULL asks for it (RFC 3461 section 4.3); its header is.")    \
	X(double_bounce_recipient, STRING, "postmaster", "1", "640", RELOAD,  \
	    "Who gets a report when a report itself cannot be delivered.")    \
	X(segment_size, SIZE, "32M", "1M", "1G", RESTART,                     \
	    "Size of a file of the spool's log.")                             \
	X(index_size, SIZE, "8G", "64M", "200G", RESTART,                     \
	    "Greatest size of the spool's index; it grows as needed.")        \
	X(bench_sync_delay, COUNT, "0", "0", "1000000", RESTART,              \
	    "For benchmarks: each sync takes so many microseconds longer.")

struct queue_manager_settings {
	QUEUE_MANAGER_SETTINGS(SETTING_MEMBER)
};

extern const struct settings_schema queue_manager_schema;

#endif
