/* SPDX-License-Identifier: ISC */
/*
 * When to look again; see unrest.h.
 */
#include "unrest.h"

#include <time.h>

#include "bucket.h"
#include "log.h"

/* A link that comes up brings a dozen messages: its addresses, then its routes. */
#define SETTLE_MS 100
/* A line that is dialled again takes two to four looks. */
#define LOOKS_AT_ONCE 6
#define LOOK_EVERY_MS 5000

static struct {
	struct bucket looks;
	struct event *timer; /* pending: a look is owed */
	enum unrest what;
	void (*look)(enum unrest what);
} unrest;

static void
start_timer(unsigned int milliseconds)
{
	struct timeval t = {.tv_sec = milliseconds / 1000, .tv_usec = (milliseconds % 1000) * 1000};

	event_add(unrest.timer, &t);
}

/* With the time that the machine was suspended. */
static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	unsigned int wait = bucket_take(&unrest.looks, now());

	(void)fd, (void)what, (void)arg;
	if (wait > 0)
		start_timer(wait);
	else
		unrest.look(unrest.what);
}

void
unrest_note(enum unrest what)
{
	if (!event_pending(unrest.timer, EV_TIMEOUT, NULL)) {
		unrest.what = what;
		start_timer(SETTLE_MS);
	} else if (what > unrest.what) {
		unrest.what = what;
	}
}

void
unrest_open(struct event_base *base, void (*look)(enum unrest what))
{
	unrest.look = look;
	unrest.timer = evtimer_new(base, on_timer, NULL);
	if (unrest.timer == NULL)
		fatal("natterd: out of memory");
	bucket_init(&unrest.looks, LOOKS_AT_ONCE, LOOK_EVERY_MS);
}

void
unrest_close(void)
{
	if (unrest.timer != NULL)
		event_free(unrest.timer);
	unrest.timer = NULL;
}
