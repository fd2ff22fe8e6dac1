/* SPDX-License-Identifier: ISC */
/*
 * How often something must leave the mapped port so that the NAT does not forget
 * the hole, learned from what was held and what was lost.  No I/O.  All times are
 * seconds on the monotonic clock, see net_now.
 *
 * A loss shortens it at once, long quiet lets it grow slowly.  Not every loss is the
 * NAT's forgetting: one that restarts loses holes of any age.  So an interval that has
 * proved itself is shortened less and may come back, and only a loss that it had not
 * yet proved is a limit to what follows.
 */
#ifndef INTERVAL_H
#define INTERVAL_H

#include <stdbool.h>
#include <stdint.h>

struct interval {
	uint32_t shortest, longest; /* the bounds; equal: it is fixed */
	uint32_t seconds;           /* what was learned */
	unsigned int held;          /* times that the hole outlived about so much idleness since the last change */
	double since;               /* when that was */
	double ceiling;             /* the shortest idleness that lost the hole; 0: none is known */
	double lost_at;             /* when it was last set or found again */
	unsigned int ceilings;      /* that have been there: each must be quiet for longer than the one before */
};

/* Whole seconds from 1 to KEEP_ALIVE_INTERVAL_MAX, shortest <= longest.  Begins at
 * KEEP_ALIVE_INTERVAL_DEFAULT, or at the bound that is nearest to it. */
void interval_init(struct interval *i, uint32_t shortest, uint32_t longest, double now);

/* Other bounds: what was learned stays as far as they allow it. */
void interval_change(struct interval *i, uint32_t shortest, uint32_t longest, double now);

/* What was learned, for reports: at least 1. */
uint32_t interval_seconds(const struct interval *i);
/* How long the next pause is to be: up to a tenth shorter, at random, so that many
 * mappings do not beat in step. */
double interval_next(const struct interval *i);

/* The hole was still there after idle seconds without a packet from inside. */
void interval_held(struct interval *i, double idle, double now);
/* It was gone after so long.  Returns whether the interval became shorter: it does not if
 * it was much longer than that, which tells nothing of idleness, nor below its bound. */
bool interval_lost(struct interval *i, double idle, double now);

#endif
