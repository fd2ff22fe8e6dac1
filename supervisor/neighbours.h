/* SPDX-License-Identifier: ISC */
/*
 * Neighbours: mappings that share a NAT, as far as that can be seen from here: they
 * are bound to the same address of this machine, or all to none.  What one of them
 * learns the others are told at once: that its hole was lost, moved, or made again, or
 * that nobody is heard.  However many learn it, and however often a worker that was taken
 * over says so, a mapping is told at most every two seconds; what came meanwhile is not
 * forgotten.
 */
#ifndef NEIGHBOURS_H
#define NEIGHBOURS_H

#include "service.h"

void neighbours_open(struct event_base *base);
void neighbours_close(void);

/* One IP version and one address of this machine, or none? */
bool neighbours_share_nat(const struct service *a, const struct service *b);

/* s->report has just replaced old, and s->last_outer is still what was published
 * before: if that is news of the NAT, the others look again; but not at one mapping's word
 * alone for ever. */
void neighbours_take_report(struct service *s, const struct report *old);

/* s goes away. */
void neighbours_forget(const struct service *s);

#endif
