/* SPDX-License-Identifier: ISC */
/*
 * A heap that has nothing more to give, for one program: its malloc, calloc and
 * realloc, which the libraries use too, fail as they are told.
 */
#ifndef FAILING_MEMORY_H
#define FAILING_MEMORY_H

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static struct memory {
	long before; /* so many allocations succeed; negative: all */
	bool for_good; /* and then none, instead of all but one */
	bool failed; /* one did */
} memory = {.before = -1};

static bool
memory_is_out(void)
{
	if (memory.before < 0)
		return false;
	if (memory.before-- > 0)
		return false;
	if (memory.for_good)
		memory.before = 0;
	memory.failed = true;
	errno = ENOMEM;
	return true;
}

/* The linker may ask for a little itself, before it is known where from. */
static void *
memory_first(size_t size)
{
	static union {
		max_align_t align;
		uint8_t bytes[4096];
	} first;
	static size_t used;
	void *p = first.bytes + used;

	used += (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	return used <= sizeof(first.bytes) ? p : NULL;
}

#define MEMORY_NEXT(function)                                                                                         \
	static __typeof__(function) *next;                                                                            \
	static bool asking;                                                                                           \
	if (next == NULL && !asking) {                                                                                \
		asking = true;                                                                                        \
		next = (__typeof__(function) *)(uintptr_t)dlsym(RTLD_NEXT, #function);                                \
		asking = false;                                                                                       \
	}

void *
malloc(size_t size)
{
	MEMORY_NEXT(malloc)

	if (next == NULL)
		return memory_first(size);
	return memory_is_out() ? NULL : next(size);
}

void *
calloc(size_t count, size_t size)
{
	MEMORY_NEXT(calloc)

	if (next == NULL)
		return memory_first(count * size);
	return memory_is_out() ? NULL : next(count, size);
}

void *
realloc(void *old, size_t size)
{
	MEMORY_NEXT(realloc)

	return next == NULL || memory_is_out() ? NULL : next(old, size);
}

#endif
