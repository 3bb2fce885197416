/* A session's memory while it is idle, which is most of its life. */
#ifndef COMMON_SESSION_MEMORY_H
#define COMMON_SESSION_MEMORY_H

/*
 * Give back to the system what is not in use: free pages of the heap, and those
 * of the stack below the caller's frame, which earlier calls have left.  Costs
 * some microseconds; the pages come back, empty, when they are used again.
 */
void session_memory_release(void);

#endif
