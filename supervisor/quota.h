/* SPDX-License-Identifier: ISC */
/*
 * So many of something in a span of time, and how many were too many: for what a
 * worker that was taken over, or a mapping that flaps, could do without end.
 */
#ifndef QUOTA_H
#define QUOTA_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-filled: nothing was taken yet. */
struct quota {
	int64_t began;        /* the present span, on the monotonic clock */
	unsigned int taken;   /* in it */
	unsigned int refused; /* in it, or in the last one with any, until somebody was told */
};

/* Takes one of count in each span of seconds.  Returns whether there was one. */
bool quota_take(struct quota *q, unsigned int count, unsigned int seconds);

/* The same for a line about subject in the log, which also says, before the first line
 * of a later span, how many were left out. */
bool quota_take_line(struct quota *q, unsigned int count, unsigned int seconds, const char *subject);

#endif
