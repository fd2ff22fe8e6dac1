/* SPDX-License-Identifier: ISC */
/*
 * When a new mapping's worker may begin.  Each asks STUN and keep-alive servers
 * several questions at once; those of hundreds at the same moment, from a single
 * address, would look like an attack to them.  It reads no clock.
 */
#ifndef TURNS_H
#define TURNS_H

#include <stdint.h>

/* So many begin together; beyond that one more in each period of so many milliseconds. */
#define TURNS_AT_ONCE 32
#define TURNS_EVERY_MS 10

/* All that was given away; zero-filled at first. */
struct turns {
	int64_t next; /* when the next one is due, if it were not for those at once */
};

/* Gives away a turn at the time now, in milliseconds of a clock that never goes back and has
 * passed its first second.
 * Returns in how many milliseconds it comes, 0 for at once. */
unsigned int turns_take(struct turns *t, int64_t now);

#endif
