/* SPDX-License-Identifier: ISC */
/*
 * Looking at workers; see peer_look.h.
 */
#include "peer_look.h"

#include "log.h"
#include "peer.h"

static struct event *timer;

static void
look_at(struct peer *p)
{
	const char *why;
	bool ask;

	/* A check has an end of its own, and a worker that left keeps its own status. */
	if (p->fd < 0 || p->mapping->task == TASK_CHECK)
		return;
	why = conduct_look(&p->conduct, p->fd, &ask);
	if (why != NULL)
		peer_refuse(p, why);
	else if (ask)
		peer_send_duty(p, p->watches);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	peers_each(look_at);
}

void
peer_look_open(struct event_base *base)
{
	static const struct timeval often = {.tv_sec = CONDUCT_LOOK_SECONDS};

	if (timer != NULL)
		return;
	timer = event_new(base, -1, EV_PERSIST, on_timer, NULL);
	if (timer == NULL || event_add(timer, &often) < 0)
		fatal("natterd: out of memory");
}

void
peer_look_close(void)
{
	if (timer != NULL)
		event_free(timer);
	timer = NULL;
}
