/* SPDX-License-Identifier: ISC */
/*
 * What a worker counts and measures besides its relay's traffic, for its report: failures by
 * cause, and the last round trips.  Part of struct worker, so that it is counted where it
 * happens.
 */
#ifndef MEASURES_H
#define MEASURES_H

#include <stddef.h>
#include <stdint.h>

#include "report.h"

struct measures {
	uint64_t failures[CAUSE_COUNT];
	/* Microseconds, at least 1; 0: not measured yet. */
	uint32_t keep_alive_trip; /* a request to a keep-alive server until its answer is here */
	uint32_t stun_trip;       /* a binding request until its answer is here */
	/* Called when one of them changed; NULL: nobody wants to know. */
	void (*on_news)(void *context);
	void *context;
};

static inline void
measures_tell(const struct measures *m)
{
	if (m->on_news != NULL)
		m->on_news(m->context);
}

static inline void
measures_count(struct measures *m, enum cause cause)
{
	m->failures[cause]++;
	measures_tell(m);
}

/* *trip, one of m's, took so many seconds. */
static inline void
measures_take_trip(const struct measures *m, uint32_t *trip, double seconds)
{
	double us = seconds * 1e6;

	*trip = us < 1 ? 1 : us < REPORT_TRIP_MAX ? (uint32_t)us : REPORT_TRIP_MAX;
	measures_tell(m);
}

#endif
