#include "common/session/memory.h"

#include <sys/mman.h>

#include <malloc.h>
#include <stdint.h>
#include <unistd.h>

/* No stack of ours grows further; nothing else lies so near below it, since the
 * system keeps room there for a stack to grow to its limit. */
#define STACK_MOST ((uintptr_t)512 * 1024)

/* More than this frame and that of madvise itself take. */
#define STACK_MARGIN ((uintptr_t)1024)

/* In a frame of its own: below that of a caller all is given back. */
static void __attribute__((noinline)) release_stack(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uintptr_t end = (here - STACK_MARGIN) & ~(page - 1);

	/* Where the stack has never been there is nothing: ENOMEM says so, and
	 * the rest is done all the same. */
	(void)madvise((void *)(end - STACK_MOST), STACK_MOST, MADV_DONTNEED);
}

void
session_memory_release(void)
{
	malloc_trim(0);
	release_stack();
}
