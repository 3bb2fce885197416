#include "common/session/memory.h"

#include <sys/mman.h>

#include <malloc.h>
#include <stdint.h>
#include <unistd.h>

/* No stack of ours grows further; nothing else lies so near below it, since the
 * system keeps room there for a stack to grow to its limit. */
#define STACK_MOST ((uintptr_t)512 * 1024)

/* This frame and that of madvise itself are above the margin of one page. */
static void
release_stack(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uintptr_t end = (here & ~(page - 1)) - page;

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
