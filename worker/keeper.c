/* SPDX-License-Identifier: ISC */
/*
 * A keep-alive after the other; see keeper.h.
 */
#include "keeper.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "backoff.h"
#include "keepalive.h"
#include "log.h"
#include "report.h"

/* A connection that lived shorter than this was closed by a server that does
 * not want to be a keep-alive: going back to it at once would hammer it. */
#define SHORT_LIFE 5.0
/* Seconds; see pause_before_next. */
#define PAUSE_MAX 5
/* What follows if there is no way to any server. */
#define NO_NETWORK ". Please check your Internet connection."

struct keeper {
	struct worker *worker;
	const struct servers *servers;
	struct keeper_handlers handlers;
	void *context;
	struct keepalive *keepalive;
	struct event *timer;        /* the end of a pause */
	unsigned int next;          /* counter round the list of servers */
	unsigned int lost_in_a_row; /* servers, since the last good one */
	unsigned int short_lives;   /* connections, likewise */
	unsigned int without_way;   /* of those lost in a row, the last ones to which there is no way */
	unsigned int astray;        /* judgements in a row that it is not here */
};

/* One that is the only one, or closes at once, is left alone for a moment that grows up
 * to half the interval, but never so long that a NAT could forget a connection that was
 * reset (10 s on Linux).  Returns seconds. */
static unsigned int
pause_before_next(const struct keeper *k)
{
	unsigned int pause, most = (k->worker->mapping.keep_alive_interval + 1) / 2;

	if (k->short_lives <= k->servers->keep_alive_count)
		return 0;
	if (most > PAUSE_MAX)
		most = PAUSE_MAX;
	pause = backoff_seconds(k->short_lives - k->servers->keep_alive_count);
	return pause < most ? pause : most;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;

	(void)fd;
	(void)what;
	k->handlers.on_next(k->context);
}

static void
on_up(void *context)
{
	struct keeper *k = context;

	k->handlers.on_up(k->context);
}

static void
on_lost(void *context, const char *reason, double lived)
{
	struct keeper *k = context;
	struct timeval pause = {0};
	char why[REPORT_ERROR_SIZE];
	bool all;

	k->without_way = keepalive_has_no_way(k->keepalive) ? k->without_way + 1 : 0;
	keeper_drop(k);
	log_debug("%s", reason);
	k->next++;
	k->lost_in_a_row = lived < 0 ? k->lost_in_a_row + 1 : 0;
	if (lived >= 0)
		k->short_lives = lived < SHORT_LIFE ? k->short_lives + 1 : 0;
	all = k->lost_in_a_row >= k->servers->keep_alive_count;
	if (all)
		k->lost_in_a_row = 0;
	snprintf(why, sizeof(why), "%s%s", reason,
	    all && k->without_way >= k->servers->keep_alive_count ? NO_NETWORK : "");
	k->handlers.on_lost(k->context, why, all);
	pause.tv_sec = pause_before_next(k);
	if (all)
		return;
	if (pause.tv_sec > 0)
		event_add(k->timer, &pause);
	else
		k->handlers.on_next(k->context);
}

void
keeper_connect(struct keeper *k)
{
	static const struct keepalive_handlers handlers = {on_up, on_lost};
	const struct servers *s = k->servers;

	event_del(k->timer);
	if (k->keepalive == NULL)
		k->keepalive = keepalive_start(k->worker, &s->keep_alive[k->next % s->keep_alive_count], &handlers, k);
}

void
keeper_drop(struct keeper *k)
{
	event_del(k->timer);
	keepalive_free(k->keepalive);
	k->keepalive = NULL;
}

void
keeper_skip(struct keeper *k)
{
	keeper_drop(k);
	k->next++;
}

bool
keeper_is_up(const struct keeper *k)
{
	return keepalive_is_up(k->keepalive);
}

bool
keeper_is_connecting(const struct keeper *k)
{
	return k->keepalive != NULL && !keepalive_is_up(k->keepalive);
}

struct addr
keeper_local(const struct keeper *k)
{
	struct addr none = {0};

	return keeper_is_up(k) ? keepalive_local(k->keepalive) : none;
}

enum keeper_place
keeper_judge_place(struct keeper *k, const struct addr *local)
{
	struct addr own = keeper_local(k);

	if (!addr_is_set(&own) || addr_same_ip(&own, local)) {
		k->astray = 0;
		return KEEPER_HERE;
	}
	if (k->astray++ == 0)
		return KEEPER_STALE;
	return k->astray > k->servers->keep_alive_count ? KEEPER_ALL_ASTRAY : KEEPER_ASTRAY;
}

void
keeper_look_again(struct keeper *k)
{
	k->astray = 0;
}

void
keeper_explain_astray(const struct keeper *k, const struct addr *local, char *buf, size_t size)
{
	struct addr own = keeper_local(k);
	char from[2][ADDR_TEXT_SIZE];

	snprintf(buf, size,
	    "The ways to the STUN and the keep-alive servers begin at different addresses of this machine: please bind "
	    "the mapping to one of them. STUN: %s, %.60s: %s.",
	    addr_ip_text(local, from[0]), keepalive_server(k->keepalive)->name, addr_ip_text(&own, from[1]));
}

struct keeper *
keeper_new(struct worker *worker, const struct servers *servers, const struct keeper_handlers *handlers, void *context)
{
	struct keeper *k = alloc_zero(sizeof(*k));

	k->worker = worker;
	k->servers = servers;
	k->handlers = *handlers;
	k->context = context;
	k->timer = event_new(worker->base, -1, 0, on_timer, k);
	if (k->timer == NULL)
		fatal("out of memory");
	return k;
}

void
keeper_free(struct keeper *k)
{
	keeper_drop(k);
	event_free(k->timer);
	free(k);
}
