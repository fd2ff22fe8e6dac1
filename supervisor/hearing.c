/* SPDX-License-Identifier: ISC */
/*
 * Pacing news; see hearing.h.
 */
#include "hearing.h"

#include "log.h"
#include "monotonic.h"

/* From nothing to an open mapping it takes three; four losses of a hole in a row take no longer. */
#define AT_ONCE 20
#define EVERY_MS 1000

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct hearing *h = arg;

	(void)fd;
	(void)what;
	(void)bucket_take(&h->bucket, monotonic_milliseconds());
	h->heard(h->context, &h->latest);
}

void
hearing_init(struct hearing *h, struct event_base *base, void (*heard)(void *context, const struct report *r),
    void *context)
{
	bucket_init(&h->bucket, AT_ONCE, EVERY_MS);
	h->heard = heard;
	h->context = context;
	h->timer = evtimer_new(base, on_timer, h);
	if (h->timer == NULL)
		fatal("natterd: out of memory");
}

void
hearing_free(struct hearing *h)
{
	event_free(h->timer);
}

void
hearing_take(struct hearing *h, const struct report *r, bool is_news)
{
	unsigned int wait = 0;
	struct timeval t;

	h->latest = *r;
	if (evtimer_pending(h->timer, NULL))
		return;
	if (is_news)
		wait = bucket_take(&h->bucket, monotonic_milliseconds());
	if (wait == 0) {
		h->heard(h->context, r);
		return;
	}
	t = (struct timeval){.tv_sec = wait / 1000, .tv_usec = (wait % 1000) * 1000};
	evtimer_add(h->timer, &t);
}

void
hearing_forget(struct hearing *h)
{
	evtimer_del(h->timer);
}
