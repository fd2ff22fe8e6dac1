/* SPDX-License-Identifier: ISC */
/*
 * Watches the clock: when it is set, or the machine resumes from suspend, time has
 * passed that no timer of ours has seen, and what the NAT knows of us may be gone.
 */
#ifndef CLOCKWATCH_H
#define CLOCKWATCH_H

#include <event2/event.h>
#include <stdint.h>

/* seconds: how far the clock was set, back if negative; 0 after a suspend, in which it went on. */
typedef void clockwatch_jumped(int64_t seconds);

/* jumped is called each time, also after a jump that is too small to be of interest.
 * Returns 0, or -1 with errno: without it everything still heals, but later. */
int clockwatch_open(struct event_base *base, clockwatch_jumped *jumped);
void clockwatch_close(void);

#endif
