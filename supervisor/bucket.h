/* SPDX-License-Identifier: ISC */
/*
 * A token bucket: what may happen a few times at once, but not again and again.
 * It reads no clock.
 */
#ifndef BUCKET_H
#define BUCKET_H

#include <stdint.h>

struct bucket {
	unsigned int size;   /* tokens that it holds at most */
	unsigned int refill; /* milliseconds until there is one more */
	unsigned int tokens; /* that it had ... */
	int64_t since;       /* ... at this time in milliseconds */
};

/* A full one; size and refill are at least 1. */
void bucket_init(struct bucket *b, unsigned int size, unsigned int refill);

/* Takes a token at the time now, in milliseconds of a clock that never goes back.
 * Returns 0, or in how many milliseconds there will be one. */
unsigned int bucket_take(struct bucket *b, int64_t now);

#endif
