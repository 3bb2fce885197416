/* Time that only goes forward: for delays, deadlines and ages. */
#ifndef COMMON_CLOCK_CLOCK_H
#define COMMON_CLOCK_CLOCK_H

#include <stdint.h>

/* Milliseconds since some moment before this process. */
uint64_t clock_ms(void);

#endif
