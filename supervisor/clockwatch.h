/* SPDX-License-Identifier: ISC */
/*
 * Watches the clock: when it is set, or the machine resumes from suspend, time has
 * passed that no timer of ours has seen, and what the NAT knows of us may be gone.
 */
#ifndef CLOCKWATCH_H
#define CLOCKWATCH_H

#include <event2/event.h>

/* jumped is called each time, also after a jump that is too small to be of interest.
 * Returns 0, or -1 with errno: without it everything still heals, but later. */
int clockwatch_open(struct event_base *base, void (*jumped)(void));
void clockwatch_close(void);

#endif
