/* SPDX-License-Identifier: ISC */
/*
 * Allocation that does not fail; see alloc.h.
 */
#include "alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "log.h"

void *
alloc_zero(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		fatal("out of memory");
	return p;
}

char *
alloc_string(const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		fatal("out of memory");
	return copy;
}

char *
alloc_text_end(FILE *out, char **text)
{
	bool lost = ferror(out) != 0;

	if (fclose(out) != 0 || lost || *text == NULL)
		fatal("out of memory");
	return *text;
}

/* Not of the heap, of which what is given back changes how much it keeps. */
bool
alloc_is_possible(size_t size)
{
	void *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return room != MAP_FAILED && munmap(room, size) == 0;
}

void
alloc_give_back(void)
{
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}
