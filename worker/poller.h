/* SPDX-License-Identifier: ISC */
/*
 * The descriptors of a relay, edge-triggered, in an epoll(7) of their own that is one
 * event of the loop.  Thousands of them cost no memory here, and what epoll said
 * arrives whole: libevent does not tell a peer's end or a broken connection from
 * bytes to read, so that every read would have to be followed by one that fails.
 */
#ifndef POLLER_H
#define POLLER_H

#include <event2/event.h>
#include <stdint.h>

struct poller;

/* Embedded in what the descriptor belongs to. */
struct poller_item {
	/* events are epoll's.  It may end this item, or any other of the poller. */
	void (*on_events)(struct poller_item *item, uint32_t events);
};

/* NULL with errno without descriptors or memory. */
struct poller *poller_new(struct event_base *base);
/* All its descriptors must be closed by now, or not be used any more. */
void poller_free(struct poller *poller);

/* Watches fd for events (EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLPRI), edge-triggered, until it
 * is closed; or until poller_unwatch, which is for a descriptor that another process has, too: then
 * to close it here ends nothing (epoll(7), question 6).  Returns 0, or -1 with errno. */
int poller_add(struct poller *poller, int fd, uint32_t events, struct poller_item *item);
void poller_unwatch(struct poller *poller, int fd);

/* To be called before the item's memory goes: what epoll has said of it, and nobody was told
 * yet, is dropped.  Its descriptor is then the owner's to close. */
void poller_forget(struct poller *poller, const struct poller_item *item);

#endif
