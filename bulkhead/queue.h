/* bulkhead queue: what is in the queue, and what to do with it. */
#ifndef BULKHEAD_QUEUE_H
#define BULKHEAD_QUEUE_H

#include "bulkhead/bulkhead.h"

command_handler do_queue_list, do_queue_show, do_queue_flush, do_queue_hold,
    do_queue_release, do_queue_retry, do_queue_delete;

#endif
