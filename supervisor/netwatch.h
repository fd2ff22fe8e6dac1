/* SPDX-License-Identifier: ISC */
/*
 * Watches this machine's network by rtnetlink(7): after an address, a route or a
 * link changed, whoever waits for the network should look again at once.  It
 * only says that something changed, never what.
 */
#ifndef NETWATCH_H
#define NETWATCH_H

#include <event2/event.h>

/* changed is called once for a burst of changes, shortly after its begin.
 * Returns 0, or -1 with errno: without it everything still heals, but later. */
int netwatch_open(struct event_base *base, void (*changed)(void));
void netwatch_close(void);

#endif
