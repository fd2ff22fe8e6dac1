/* SPDX-License-Identifier: ISC */
/*
 * The token bucket; see bucket.h.
 */
#include "bucket.h"

void
bucket_init(struct bucket *b, unsigned int size, unsigned int refill)
{
	b->size = b->tokens = size;
	b->refill = refill;
	b->since = 0;
}

static void
refill_until(struct bucket *b, int64_t now)
{
	int64_t earned = (now - b->since) / b->refill;

	if (earned >= b->size - b->tokens) {
		b->tokens = b->size;
		b->since = now;
	} else {
		b->tokens += (unsigned int)earned;
		b->since += earned * b->refill;
	}
}

unsigned int
bucket_take(struct bucket *b, int64_t now)
{
	refill_until(b, now);
	if (b->tokens == 0)
		return (unsigned int)(b->since + b->refill - now);
	b->tokens--;
	return 0;
}
