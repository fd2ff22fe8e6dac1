/* SPDX-License-Identifier: ISC */
/*
 * Pacing news; see hearing.h.
 */
#include "hearing.h"

#include <stdlib.h>

#include "alloc.h"
#include "log.h"
#include "monotonic.h"

/* From nothing to an open mapping it takes three; four losses of a hole in a row take no longer. */
#define AT_ONCE 20
#define EVERY_MS 1000

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct hearing *h = arg;
	struct report r = *h->latest;

	(void)fd;
	(void)what;
	(void)bucket_take(&h->bucket, monotonic_milliseconds());
	hearing_forget(h);
	h->heard(h->context, &r);
}

void
hearing_init(struct hearing *h, struct event_base *base, void (*heard)(void *context, const struct report *r),
    void *context)
{
	bucket_init(&h->bucket, AT_ONCE, EVERY_MS);
	h->latest = NULL;
	h->heard = heard;
	h->context = context;
	h->timer = evtimer_new(base, on_timer, h);
	if (h->timer == NULL)
		fatal("natterd: out of memory");
}

void
hearing_free(struct hearing *h)
{
	hearing_forget(h);
	event_free(h->timer);
}

static void
put_off(struct hearing *h, const struct report *r, unsigned int milliseconds)
{
	struct timeval t = {.tv_sec = milliseconds / 1000, .tv_usec = (milliseconds % 1000) * 1000};

	h->latest = alloc_zero(sizeof(*h->latest));
	*h->latest = *r;
	evtimer_add(h->timer, &t);
}

void
hearing_take(struct hearing *h, const struct report *r, bool is_news)
{
	unsigned int wait = 0;

	if (h->latest != NULL) {
		*h->latest = *r;
		return;
	}
	if (is_news)
		wait = bucket_take(&h->bucket, monotonic_milliseconds());
	if (wait > 0)
		put_off(h, r, wait);
	else
		h->heard(h->context, r);
}

void
hearing_forget(struct hearing *h)
{
	evtimer_del(h->timer);
	free(h->latest);
	h->latest = NULL;
}
