/* SPDX-License-Identifier: ISC */
/*
 * Seconds as libevent's timers want them.
 */
#ifndef DURATION_H
#define DURATION_H

#include <sys/time.h>

/* Not negative; fractions below a microsecond are dropped. */
static inline struct timeval
duration(double seconds)
{
	struct timeval t = {.tv_sec = (time_t)seconds};

	t.tv_usec = (suseconds_t)((seconds - (double)t.tv_sec) * 1e6);
	return t;
}

#endif
