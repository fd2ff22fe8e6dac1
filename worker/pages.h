/* SPDX-License-Identifier: ISC */
/*
 * Memory by whole pages, apart from the heap: pages that were never used cost
 * nothing, and those that were can be given back while the addresses stay.
 */
#ifndef PAGES_H
#define PAGES_H

#include <stddef.h>
#include <sys/mman.h>

/* Zero-filled; NULL with errno. */
static inline void *
pages_new(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (pages == MAP_FAILED)
		return NULL;
	/* Where huge pages are the rule one byte would cost 2 MiB. */
	(void)madvise(pages, size, MADV_NOHUGEPAGE);
	return pages;
}

/* They are zero-filled then, as if they were new. */
static inline void
pages_give_back(void *pages, size_t size)
{
	(void)madvise(pages, size, MADV_DONTNEED);
}

/* pages may be NULL. */
static inline void
pages_free(void *pages, size_t size)
{
	if (pages != NULL)
		(void)munmap(pages, size);
}

#endif
