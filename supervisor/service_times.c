/* SPDX-License-Identifier: ISC */
/*
 * What a clock that was set makes of the times of mappings; see service.h.
 */
#include "service.h"

/* 0 is no time, and stays none; what never was before 1970 does not get there. */
static int64_t
shifted(int64_t when, int64_t seconds)
{
	if (when <= 0)
		return when;
	return when + seconds > 0 ? when + seconds : 1;
}

void
services_shift_times(int64_t seconds)
{
	struct service *s;

	TAILQ_FOREACH (s, services_all(), entry) {
		s->state_since = shifted(s->state_since, seconds);
		s->report.since = shifted(s->report.since, seconds);
		s->takeover.latest.since = shifted(s->takeover.latest.since, seconds);
	}
}
