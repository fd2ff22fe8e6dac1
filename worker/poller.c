/* SPDX-License-Identifier: ISC */
/*
 * The descriptors of a relay; see poller.h.
 */
#include "poller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "log.h"

#define BATCH 64
/* How many batches are served before the rest of the loop has its turn. */
#define TURN 4

struct poller {
	int fd;
	struct event *pending;
	int next;  /* of batch, to be served */
	int count; /* in batch */
	struct epoll_event batch[BATCH];
};

static void
serve_batch(struct poller *p)
{
	struct poller_item *item;
	struct epoll_event *e;

	p->next = 0;
	while (p->next < p->count) {
		e = &p->batch[p->next++];
		item = e->data.ptr;
		if (item != NULL)
			item->on_events(item, e->events);
	}
}

static void
on_pending(evutil_socket_t fd, short what, void *arg)
{
	struct poller *p = arg;
	int turn;

	(void)what;
	for (turn = 0; turn < TURN; turn++) {
		p->count = epoll_wait(fd, p->batch, BATCH, 0);
		if (p->count < 0 && errno != EINTR)
			fatal("cannot wait for the relay's sockets: %s", strerror(errno));
		serve_batch(p);
		if (p->count < BATCH)
			break;
	}
	p->count = 0;
}

static int
open_poller(struct poller *p, struct event_base *base)
{
	p->fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->fd < 0)
		return -1;
	p->pending = event_new(base, p->fd, EV_READ | EV_PERSIST, on_pending, p);
	return p->pending == NULL ? -1 : event_add(p->pending, NULL);
}

struct poller *
poller_new(struct event_base *base)
{
	struct poller *p = calloc(1, sizeof(*p));
	int error;

	if (p == NULL || open_poller(p, base) == 0)
		return p;
	error = errno;
	poller_free(p);
	errno = error;
	return NULL;
}

void
poller_free(struct poller *poller)
{
	if (poller == NULL)
		return;
	if (poller->pending != NULL)
		event_free(poller->pending);
	if (poller->fd >= 0)
		close(poller->fd);
	free(poller);
}

int
poller_add(struct poller *poller, int fd, uint32_t events, struct poller_item *item)
{
	struct epoll_event e = {.events = events | EPOLLET, .data.ptr = item};

	return epoll_ctl(poller->fd, EPOLL_CTL_ADD, fd, &e);
}

void
poller_unwatch(struct poller *poller, int fd)
{
	(void)epoll_ctl(poller->fd, EPOLL_CTL_DEL, fd, NULL);
}

void
poller_forget(struct poller *poller, const struct poller_item *item)
{
	int i;

	for (i = poller->next; i < poller->count; i++)
		if (poller->batch[i].data.ptr == item)
			poller->batch[i].data.ptr = NULL;
}
