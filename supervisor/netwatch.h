/* SPDX-License-Identifier: ISC */
/*
 * Watches this machine's network by rtnetlink(7): after an address, a route or a
 * link changed, whoever waits for the network should look again at once.  It
 * only says that something changed, never what.
 */
#ifndef NETWATCH_H
#define NETWATCH_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

/* changed is called again and again while changes come in (unrest.h).
 * Returns 0, or -1 with errno: without it everything still heals, but later. */
int netwatch_open(struct event_base *base, void (*changed)(void));
void netwatch_close(void);

/* Of length bytes of whole messages, as the kernel sends them: does one say more than that an address lives
 * on?  A router's announcements and a DHCP server's answers prolong addresses again
 * and again, and change nothing. */
bool netwatch_is_news(const void *messages, size_t length);

#endif
