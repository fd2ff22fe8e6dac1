/* SPDX-License-Identifier: ISC */
/*
 * The interval that is learned; see interval.h.
 */
#include "interval.h"

#include <bsd/stdlib.h>

#include "mapping.h"

/* Shorter idleness than this part of the interval proves nothing: jitter takes a tenth,
 * and the way there and back is no idleness. */
#define NEAR 0.8
/* So often, and for so long, an interval must have held before it is believed. */
#define PROOFS 20
#define PROOF_SECONDS 600
/* So much of the idleness that lost the hole is left: of one that nothing speaks against,
 * of one that had proved itself, and at most when it grows again. */
#define REST_UNPROVED 0.5
#define REST_PROVED 0.75
#define REST_GROWN 0.75
/* A NAT may be another one by then; if it is not, trying it out costs a hole, so the
 * next time this waits twice as long, up to 32 days. */
#define FORGIVE_SECONDS 86400.0
#define FORGIVE_DOUBLINGS 5

static uint32_t
clamp(const struct interval *i, uint32_t seconds)
{
	if (seconds < i->shortest)
		return i->shortest;
	return seconds > i->longest ? i->longest : seconds;
}

static void
set(struct interval *i, uint32_t seconds, double now)
{
	i->seconds = seconds;
	i->held = 0;
	i->since = now;
}

void
interval_init(struct interval *i, uint32_t shortest, uint32_t longest, double now)
{
	*i = (struct interval){.shortest = shortest, .longest = longest};
	set(i, clamp(i, KEEP_ALIVE_INTERVAL_DEFAULT), now);
}

void
interval_change(struct interval *i, uint32_t shortest, uint32_t longest, double now)
{
	if (i->shortest == i->longest) {
		interval_init(i, shortest, longest, now); /* nothing was learned */
		return;
	}
	i->shortest = shortest;
	i->longest = longest;
	if (clamp(i, i->seconds) != i->seconds)
		set(i, clamp(i, i->seconds), now);
}

uint32_t
interval_seconds(const struct interval *i)
{
	return i->seconds;
}

double
interval_next(const struct interval *i)
{
	return i->seconds * (1 - arc4random_uniform(1001) / 10000.0);
}

static bool
is_proved(const struct interval *i, double now)
{
	return i->held >= PROOFS && now - i->since >= PROOF_SECONDS;
}

static bool
is_forgiven(const struct interval *i, double now)
{
	unsigned int doublings = i->ceilings > 0 ? i->ceilings - 1 : 0;

	if (doublings > FORGIVE_DOUBLINGS)
		doublings = FORGIVE_DOUBLINGS;
	return now - i->lost_at >= FORGIVE_SECONDS * (1U << doublings);
}

static void
grow(struct interval *i, double now)
{
	uint32_t step = i->seconds < 10 ? 1 : i->seconds / 10, next = clamp(i, i->seconds + step);

	if (i->ceiling > 0 && next >= i->ceiling * REST_GROWN)
		return;
	if (next > i->seconds)
		set(i, next, now);
}

void
interval_held(struct interval *i, double idle, double now)
{
	if (idle < i->seconds * NEAR)
		return;
	i->held++;
	if (is_forgiven(i, now))
		i->ceiling = 0;
	if (is_proved(i, now))
		grow(i, now);
}

static void
lower_ceiling(struct interval *i, double idle, double now)
{
	if (i->ceiling == 0)
		i->ceilings++;
	if (i->ceiling == 0 || idle < i->ceiling)
		i->ceiling = idle;
	i->lost_at = now;
}

bool
interval_lost(struct interval *i, double idle, double now)
{
	uint32_t before = i->seconds;
	bool proved = is_proved(i, now);
	double next = idle * (proved ? REST_PROVED : REST_UNPROVED);

	if (idle < i->seconds / 2.0)
		return false;
	if (!proved)
		lower_ceiling(i, idle, now);
	set(i, next < before ? clamp(i, (uint32_t)next) : before, now);
	return i->seconds < before;
}
