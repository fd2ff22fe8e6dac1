/* SPDX-License-Identifier: ISC */
/*
 * Who is told when; see neighbours.h.
 */
#include "neighbours.h"

#include <stdlib.h>

#include "alloc.h"
#include "log.h"

/* One event at the NAT is noticed by many mappings within this time. */
static const struct timeval pause_time = {.tv_sec = 2};
/* So often in so many seconds the others look again for one mapping's sake: its worker may lie. */
#define ALARMS_MAX 10
#define ALARMS_SECONDS 120

struct group {
	LIST_ENTRY(group) entry;
	struct addr bind;             /* every member's, but for the port */
	struct event *paused;         /* pending: the members were told less than pause_time ago ... */
	bool owed;                    /* ... and there was news since then, ... */
	struct service *source;       /* ... all of it from this one; NULL: from several */
};

static struct {
	struct event_base *base;
	LIST_HEAD(, group) groups;
} neighbours = {.groups = LIST_HEAD_INITIALIZER(neighbours.groups)};

bool
neighbours_share_nat(const struct service *a, const struct service *b)
{
	return addr_same_ip(&a->mapping.bind, &b->mapping.bind);
}

/* Who has the news already need not be told. */
static void
tell(struct group *g, struct service *source)
{
	struct service *s;

	if (source != NULL && !quota_take(&source->alarms, ALARMS_MAX, ALARMS_SECONDS))
		return;
	TAILQ_FOREACH(s, services_all(), entry)
		if (s != source && addr_same_ip(&s->mapping.bind, &g->bind))
			peer_look_again(&s->peer, AGAIN_NEIGHBOUR);
	log_debug("%s: a hole was lost, moved or made again: the mappings behind the same NAT look again",
	    source != NULL ? source->mapping.name : "natterd");
	event_add(g->paused, &pause_time);
}

static void
on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct group *g = arg;

	(void)fd;
	(void)what;
	if (!g->owed)
		return;
	g->owed = false;
	tell(g, g->source);
}

static struct group *
add_group(const struct addr *bind)
{
	struct group *g = alloc_zero(sizeof(*g));

	g->bind = *bind;
	g->paused = event_new(neighbours.base, -1, 0, on_pause_over, g);
	if (g->paused == NULL)
		fatal("natterd: out of memory");
	LIST_INSERT_HEAD(&neighbours.groups, g, entry);
	return g;
}

static struct group *
group_of(const struct service *s)
{
	struct group *g;

	LIST_FOREACH(g, &neighbours.groups, entry)
		if (addr_same_ip(&g->bind, &s->mapping.bind))
			return g;
	return add_group(&s->mapping.bind);
}

/* Nobody is heard any more, or the way out is there again and others may be waiting for it. */
static bool
went_or_came(const struct service *s, const struct report *old)
{
	return addr_is_set(&s->last_outer) && addr_is_set(&s->report.outer) != addr_is_set(&old->outer);
}

/* A new worker counts from 0, and is compared with what its predecessor said last. */
static bool
is_news(const struct service *s, const struct report *old)
{
	const struct addr *outer = &s->report.outer, *last = &s->last_outer;

	return (s->report.holes_lost > 0 && s->report.holes_lost != old->holes_lost) || went_or_came(s, old) ||
	       (addr_is_set(outer) && addr_is_set(last) && !addr_equal(outer, last));
}

void
neighbours_take_report(struct service *s, const struct report *old)
{
	struct group *g;

	if (!is_news(s, old))
		return;
	g = group_of(s);
	if (!event_pending(g->paused, EV_TIMEOUT, NULL)) {
		tell(g, s);
		return;
	}
	g->source = g->owed && g->source != s ? NULL : s;
	g->owed = true;
}

void
neighbours_forget(const struct service *s)
{
	struct group *g;

	LIST_FOREACH(g, &neighbours.groups, entry)
		if (g->source == s)
			g->source = NULL;
}

void
neighbours_open(struct event_base *base)
{
	neighbours.base = base;
}

void
neighbours_close(void)
{
	struct group *g;

	while ((g = LIST_FIRST(&neighbours.groups)) != NULL) {
		LIST_REMOVE(g, entry);
		event_free(g->paused);
		free(g);
	}
}
