/* SPDX-License-Identifier: ISC */
/*
 * The pauses between tries that fail.
 */
#ifndef BACKOFF_H
#define BACKOFF_H

#define BACKOFF_MAX 60

/* 1, 2, 4 .. 60 s with the number of failures, which begins at 1. */
static inline unsigned int
backoff_seconds(unsigned int failures)
{
	return failures - 1 >= 6 ? BACKOFF_MAX : 1U << (failures - 1);
}

#endif
