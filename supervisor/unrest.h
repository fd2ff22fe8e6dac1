/* SPDX-License-Identifier: ISC */
/*
 * From "something changed under us" to "look again": a burst of changes is one look,
 * a moment after its begin, and no change is left without a look after it.  A few
 * looks may follow one another closely, as when a line is dialled again; of changes
 * without end there is one look every five seconds.
 */
#ifndef UNREST_H
#define UNREST_H

#include <event2/event.h>

enum unrest {
	UNREST_NETWORK, /* an address, a route or a link */
	UNREST_CLOCK,   /* the clock, or the machine was suspended; it says more than the other */
};

/* look is called when it is time, with what there was since the last look. */
void unrest_open(struct event_base *base, void (*look)(enum unrest what));
void unrest_close(void);

/* Something changed. */
void unrest_note(enum unrest what);

#endif
