/* SPDX-License-Identifier: ISC */
/*
 * Things that end after a fixed time; see expiry.h.
 */
#include "expiry.h"

#include <stdlib.h>

#include "duration.h"
#include "net.h"

struct expiry {
	struct event *timer; /* for the first item, or earlier */
	double seconds;
	expiry_handler *on_expired;
	void *context;
	TAILQ_HEAD(expiry_list, expiry_item) items; /* the one that was used longest ago first */
};

static void
arm(struct expiry *x, double now)
{
	struct expiry_item *first = expiry_first(x);
	struct timeval t;
	double wait;

	if (first == NULL || event_pending(x->timer, EV_TIMEOUT, NULL))
		return;
	wait = first->since + x->seconds - now;
	if (wait < 0.001)
		wait = 0.001; /* the loop's clock may be coarser than ours */
	t = duration(wait);
	event_add(x->timer, &t);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct expiry *x = arg;
	struct expiry_item *item;
	double now = net_now();

	(void)fd;
	(void)what;
	while ((item = expiry_first(x)) != NULL && item->since + x->seconds <= now)
		x->on_expired(x->context, item);
	arm(x, now);
}

struct expiry *
expiry_new(struct event_base *base, double seconds, expiry_handler *on_expired, void *context)
{
	struct expiry *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->seconds = seconds;
	x->on_expired = on_expired;
	x->context = context;
	TAILQ_INIT(&x->items);
	x->timer = event_new(base, -1, 0, on_timer, x);
	if (x->timer != NULL)
		return x;
	free(x);
	return NULL;
}

void
expiry_free(struct expiry *expiry)
{
	if (expiry == NULL)
		return;
	event_free(expiry->timer);
	free(expiry);
}

void
expiry_change(struct expiry *expiry, double seconds, double now)
{
	expiry->seconds = seconds;
	event_del(expiry->timer); /* it may be meant for later */
	arm(expiry, now);
}

void
expiry_add(struct expiry *expiry, struct expiry_item *item, double now)
{
	item->since = now;
	TAILQ_INSERT_TAIL(&expiry->items, item, entry);
	arm(expiry, now);
}

void
expiry_touch(struct expiry *expiry, struct expiry_item *item, double now)
{
	item->since = now;
	TAILQ_REMOVE(&expiry->items, item, entry);
	TAILQ_INSERT_TAIL(&expiry->items, item, entry);
}

void
expiry_remove(struct expiry *expiry, struct expiry_item *item)
{
	TAILQ_REMOVE(&expiry->items, item, entry);
}

struct expiry_item *
expiry_first(const struct expiry *expiry)
{
	return TAILQ_FIRST(&expiry->items);
}
