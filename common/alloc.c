/* SPDX-License-Identifier: ISC */
/*
 * Allocation that does not fail; see alloc.h.
 */
#include "alloc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
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

void
alloc_give_back(void)
{
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}
