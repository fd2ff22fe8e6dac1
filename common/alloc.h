/* SPDX-License-Identifier: ISC */
/*
 * Memory for the small things that a program cannot go on without.  What a
 * stranger's traffic asks for is allocated with calloc and may fail.
 */
#ifndef ALLOC_H
#define ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* size zeroed bytes, never NULL: without memory the program ends with an error. */
void *alloc_zero(size_t size);
char *alloc_string(const char *text);

/* Ends out, which open_memstream made with text.  Returns the text, which is whole and never NULL. */
char *alloc_text_end(FILE *out, char **text);

/* Could so many bytes more be had now?  For before a library that does not look. */
bool alloc_is_possible(size_t size);

/* Gives the pages of the heap that are free to the kernel, where the C library can.  For
 * after something large that comes seldom: it looks at the whole heap. */
void alloc_give_back(void);

#endif
