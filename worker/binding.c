/* SPDX-License-Identifier: ISC */
/*
 * The keep-alive of a UDP mapping; see binding.h.
 */
#include "binding.h"

#include <stdlib.h>

#include "alloc.h"
#include "duration.h"
#include "log.h"
#include "net.h"

/* So long a silence is a doubt, after requests at 0, 0.5 and 1.5 s. */
static const struct timeval doubt_delay = {.tv_sec = 2};

struct binding {
	struct worker *worker;
	struct probe *probe;
	struct binding_handlers handlers;
	void *context;
	struct event *timer; /* the interval's end, or that of patience */
	bool asked;          /* and not answered yet */
	struct binding_memory memory;
	struct addr seen;      /* the outer address in the last answer */
	double quiet_since;    /* when that came: whatever led to it went out before */
	uint64_t traffic;      /* bytes relayed up to then */
	double idle;           /* seconds from then to the first packet of the next question */
	bool disturbed;        /* since then */
	bool tells_nothing;    /* of idleness: clients' traffic went through meanwhile, or nothing did afterwards */
};

/* A relay counts bytes alone: empty datagrams are not noticed. */
static uint64_t
relayed(const struct binding *b)
{
	return b->memory.traffic->bytes_in + b->memory.traffic->bytes_out;
}

static void
wait_for_interval(struct binding *b)
{
	struct timeval pause = duration(interval_next(b->memory.interval));

	b->asked = b->disturbed = false;
	b->quiet_since = net_now();
	b->traffic = relayed(b);
	event_add(b->timer, &pause);
}

/* What the pause before this answer tells.  Returns the idleness that may have lost the hole, or 0. */
static double
learn(struct binding *b, const struct addr *seen)
{
	struct interval *i = b->memory.interval;
	uint32_t before = interval_seconds(i);
	bool is_same = addr_equal(seen, &b->seen), may_be_lost = !is_same && addr_same_ip(seen, &b->seen);

	b->seen = *seen;
	if (b->tells_nothing)
		return 0;
	if (is_same)
		interval_held(i, b->idle, net_now());
	if (interval_seconds(i) != before)
		log_debug("after %.1f s of silence: the interval is now %u s", b->idle, interval_seconds(i));
	return may_be_lost ? b->idle : 0;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct binding *b = arg;

	(void)fd;
	(void)what;
	if (b->asked) {
		b->tells_nothing = true;
		b->handlers.on_silence(b->context);
		return;
	}
	b->asked = true;
	b->idle = net_now() - b->quiet_since;
	b->tells_nothing = b->disturbed || relayed(b) != b->traffic;
	event_add(b->timer, &doubt_delay);
	probe_again(b->probe);
}

static void
on_probe(void *context, struct probe *probe, const struct probe_result *result)
{
	struct binding *b = context;
	double lost_idle;

	(void)probe;
	if (result->ok) {
		lost_idle = learn(b, &result->mapped);
		wait_for_interval(b);
		b->handlers.on_answer(b->context, result, lost_idle);
	} else {
		log_debug("%s", result->error);
		b->handlers.on_lost(b->context, result->error);
	}
}

struct binding *
binding_start(struct worker *worker, struct probe *probe, const struct addr *seen, const struct binding_memory *memory,
    const struct binding_handlers *handlers, void *context)
{
	struct binding *b = alloc_zero(sizeof(*b));

	b->worker = worker;
	b->probe = probe;
	b->seen = *seen;
	b->memory = *memory;
	b->handlers = *handlers;
	b->context = context;
	b->timer = event_new(worker->base, -1, 0, on_timer, b);
	if (b->timer == NULL)
		fatal("out of memory");
	probe_hand_over(probe, on_probe, b);
	wait_for_interval(b);
	return b;
}

void
binding_change_interval(struct binding *b)
{
	double left = b->quiet_since + interval_next(b->memory.interval) - net_now();
	struct timeval pause = duration(left > 0 ? left : 0);

	if (!b->asked)
		event_add(b->timer, &pause);
}

const struct server *
binding_server(const struct binding *b)
{
	return probe_server(b->probe);
}

void
binding_disturb(struct binding *b)
{
	b->disturbed = b->tells_nothing = true;
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
