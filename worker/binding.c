/* SPDX-License-Identifier: ISC */
/*
 * The keep-alive of a UDP mapping; see binding.h.
 */
#include "binding.h"

#include <stdlib.h>

#include "alloc.h"
#include "log.h"

/* So long a silence is a doubt, after requests at 0, 0.5 and 1.5 s. */
static const struct timeval doubt_delay = {.tv_sec = 2};

struct binding {
	struct worker *worker;
	struct probe *probe;
	struct binding_handlers handlers;
	void *context;
	struct event *timer; /* the interval's end, or that of patience */
	bool asked;          /* and not answered yet */
};

static void
wait_for_interval(struct binding *b)
{
	struct timeval interval = {.tv_sec = b->worker->mapping.keep_alive_longest};

	b->asked = false;
	event_add(b->timer, &interval);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct binding *b = arg;

	(void)fd;
	(void)what;
	if (b->asked) {
		b->handlers.on_silence(b->context);
		return;
	}
	b->asked = true;
	event_add(b->timer, &doubt_delay);
	probe_again(b->probe);
}

static void
on_probe(void *context, struct probe *probe, const struct probe_result *result)
{
	struct binding *b = context;

	(void)probe;
	if (result->ok) {
		wait_for_interval(b);
		b->handlers.on_answer(b->context, result);
	} else {
		log_debug("%s", result->error);
		b->handlers.on_lost(b->context, result->error);
	}
}

struct binding *
binding_start(struct worker *worker, struct probe *probe, const struct binding_handlers *handlers, void *context)
{
	struct binding *b = alloc_zero(sizeof(*b));

	b->worker = worker;
	b->probe = probe;
	b->handlers = *handlers;
	b->context = context;
	b->timer = event_new(worker->base, -1, 0, on_timer, b);
	if (b->timer == NULL)
		fatal("out of memory");
	probe_hand_over(probe, on_probe, b);
	wait_for_interval(b);
	return b;
}

const struct addr *
binding_server(const struct binding *b)
{
	return &probe_server(b->probe)->addr;
}

void
binding_free(struct binding *b)
{
	if (b == NULL)
		return;
	event_free(b->timer);
	probe_free(b->probe);
	free(b);
}
