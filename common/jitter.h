/* SPDX-License-Identifier: ISC */
/*
 * Waiting times that do not beat in step: of many mappings, or many machines, that
 * were started or met trouble together, each goes on at a moment of its own.
 */
#ifndef JITTER_H
#define JITTER_H

#include <bsd/stdlib.h>
#include <sys/time.h>

#define JITTER_PERCENT 20

/* So many seconds, up to an hour, and up to a fifth more: never sooner than it is said. */
static inline struct timeval
jitter(unsigned int seconds)
{
	uint32_t more = arc4random_uniform(seconds * (1000000 / 100 * JITTER_PERCENT) + 1);

	return (struct timeval){.tv_sec = seconds + more / 1000000, .tv_usec = more % 1000000};
}

#endif
