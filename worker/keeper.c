/* SPDX-License-Identifier: ISC */
/*
 * What the connections that hold a TCP mapping tell; see keeper.h.
 */
#include "keeper.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "interval.h"
#include "log.h"
#include "net.h"
#include "report.h"
#include "vigil.h"

/* A probe is not heard within this: the connection itself is to blame, or it soon is. */
#define SILENT_SECONDS 4.0
/* So long is looked at what a test brings. */
#define TEST_SECONDS 5.0
/* What follows if there is no way to any server. */
#define NO_NETWORK ". Please check your Internet connection."

static const struct timeval look_delay = {.tv_sec = 1};
static const struct timeval unsure_delay = {.tv_usec = 250000};

struct keeper {
	struct worker *worker;
	const struct servers *servers;
	struct keeper_handlers handlers;
	void *context;
	struct links *links;
	struct event *look; /* at the connections' quiet, while they are probed every second */
	struct vigil vigil;
	struct interval interval;
	double test_until; /* on the monotonic clock */
	double trouble_at; /* when last none was up before, none was heard, or one was lost */
	double lost_idle;  /* how idle one was that was just reset, probed at the interval; 0: none */
	bool on_watch;
	unsigned int astray; /* judgements in a row that they are not here */
};

static bool
is_watching(const struct keeper *k)
{
	return k->on_watch || k->vigil.in_doubt || net_now() < k->test_until;
}

static void
begin_to_look(struct keeper *k)
{
	if (event_pending(k->look, EV_TIMEOUT, NULL))
		return;
	vigil_begin(&k->vigil, net_now());
	links_set_pace(k->links, 1);
	event_add(k->look, &look_delay);
}

/* --- What becomes of the connections --- */

static bool
is_listed(void *context, const struct keepalive *link)
{
	const struct servers *servers = ((const struct keeper *)context)->servers;

	return server_is_listed(keepalive_server(link), servers->keep_alive, servers->keep_alive_count);
}

static bool
is_unlisted(void *context, const struct keepalive *link)
{
	return !is_listed(context, link);
}

/* Never the last ones before their successors are there. */
void
keeper_leave_unlisted(struct keeper *k)
{
	if (k->servers->keep_alive_count == 0)
		return; /* none is known yet */
	if (links_any(k->links, is_listed, k))
		links_remove(k->links, is_unlisted, k, false);
	else
		links_replace(k->links, is_unlisted, k, false);
}

static void
on_up(void *context, bool is_first)
{
	struct keeper *k = context;

	if (is_watching(k))
		begin_to_look(k);
	keeper_leave_unlisted(k);
	if (!is_first)
		return;
	k->trouble_at = net_now();
	k->handlers.on_up(k->context);
}

static void
on_answer(void *context)
{
	struct keeper *k = context;

	if (!is_watching(k))
		interval_held(&k->interval, interval_seconds(&k->interval), net_now());
}

static void
on_end(void *context, enum keepalive_end end, const char *reason)
{
	struct keeper *k = context;

	if (end == KEEPALIVE_RESET || end == KEEPALIVE_SILENT)
		k->trouble_at = net_now();
	if (end == KEEPALIVE_RESET && !is_watching(k))
		k->lost_idle = links_last_idle(k->links);
	if (!keeper_is_up(k)) {
		vigil_settle(&k->vigil, false);
		links_settle_reset(k->links, false); /* it may have been the NAT */
		k->handlers.on_lost(k->context, reason, LINKS_COMING);
	} else if (end == KEEPALIVE_RESET || end == KEEPALIVE_SILENT) {
		keeper_test(k);
		k->handlers.on_doubt(k->context, reason);
	}
}

static void
on_failure(void *context, enum links_outlook outlook, const char *reason)
{
	struct keeper *k = context;
	char why[REPORT_ERROR_SIZE];

	snprintf(why, sizeof(why), "%s%s", reason, outlook == LINKS_NO_WAY ? NO_NETWORK : "");
	k->handlers.on_lost(k->context, why, outlook);
}

static bool
is_network_good(void *context)
{
	return keeper_is_live(context);
}

/* --- The vigil --- */

static bool
is_silent(void *context, const struct keepalive *link)
{
	const struct keeper *k = context;

	return vigil_count(&k->vigil, keepalive_quiet(link), net_now()) > SILENT_SECONDS;
}

static void
act_on(struct keeper *k, enum vigil_verdict verdict)
{
	static const char why[] = "no keep-alive server is heard any more";

	if (verdict == VIGIL_DOUBT)
		measures_count(&k->worker->measures, CAUSE_KEEP_ALIVE_LOST);
	if (!keeper_is_up(k))
		k->handlers.on_lost(k->context, why, LINKS_COMING);
	else if (verdict == VIGIL_DOUBT)
		k->handlers.on_doubt(k->context, why);
	else if (verdict == VIGIL_HEARD)
		k->handlers.on_heard(k->context);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	enum vigil_verdict verdict;

	(void)fd;
	(void)what;
	if (!is_watching(k) || !keeper_is_up(k)) {
		k->lost_idle = 0;
		links_set_pace(k->links, interval_seconds(&k->interval));
		return; /* begin_to_look goes on when it is needed */
	}
	verdict = vigil_look(&k->vigil, links_quiet(k->links), net_now());
	if (verdict == VIGIL_DOUBT)
		k->trouble_at = net_now();
	event_add(k->look, verdict == VIGIL_FINE || verdict == VIGIL_HEARD ? &look_delay : &unsure_delay);
	links_replace(k->links, is_silent, k, true);
	act_on(k, verdict);
}

void
keeper_watch(struct keeper *k, bool watch)
{
	k->on_watch = watch;
	if (watch)
		begin_to_look(k);
}

void
keeper_test(struct keeper *k)
{
	k->test_until = net_now() + TEST_SECONDS;
	begin_to_look(k);
}

void
keeper_clear_doubt(struct keeper *k)
{
	vigil_excuse(&k->vigil, net_now());
	links_settle_reset(k->links, true);
	k->lost_idle = 0;
}

/* --- What the session wants --- */

void
keeper_connect(struct keeper *k)
{
	links_connect(k->links);
}

void
keeper_drop(struct keeper *k)
{
	links_drop(k->links);
	vigil_settle(&k->vigil, false);
}

void
keeper_renew(struct keeper *k)
{
	keeper_drop(k);
	keeper_connect(k);
}

bool
keeper_is_up(const struct keeper *k)
{
	return links_are_up(k->links);
}

bool
keeper_is_live(const struct keeper *k)
{
	return keeper_is_up(k) && !k->vigil.in_doubt;
}

struct survivor {
	const struct keeper *keeper;
	double age;
};

static bool
is_survivor(void *context, const struct keepalive *link)
{
	const struct survivor *s = context;

	return keepalive_age(link) >= s->age && keepalive_quiet(link) < net_now() - s->keeper->trouble_at;
}

bool
keeper_vouches(const struct keeper *k, double since)
{
	struct survivor survivor = {k, net_now() - since};

	return keeper_is_live(k) && (k->trouble_at <= since || links_any(k->links, is_survivor, &survivor));
}

bool
keeper_is_connecting(const struct keeper *k)
{
	return links_are_coming(k->links);
}

void
keeper_note_hole_lost(struct keeper *k)
{
	if (k->lost_idle > 0 && interval_lost(&k->interval, k->lost_idle, net_now()))
		log_info("after %.1f s of silence the NAT had forgotten the hole: the interval is now %u s", k->lost_idle,
		    interval_seconds(&k->interval));
	links_settle_reset(k->links, false);
	k->lost_idle = 0;
}

void
keeper_change_interval(struct keeper *k, uint32_t shortest, uint32_t longest)
{
	interval_change(&k->interval, shortest, longest, net_now());
	if (!is_watching(k))
		links_set_pace(k->links, interval_seconds(&k->interval));
}

unsigned int
keeper_interval(const struct keeper *k)
{
	return interval_seconds(&k->interval);
}

/* --- This machine's addresses --- */

struct addr
keeper_local(const struct keeper *k)
{
	const struct keepalive *link = links_first(k->links);
	struct addr none = {0};

	return link != NULL ? keepalive_local(link) : none;
}

static bool
is_here(void *context, const struct keepalive *link)
{
	const struct addr *local = context;
	struct addr own = keepalive_local(link);

	return addr_same_ip(&own, local);
}

static bool
is_elsewhere(void *context, const struct keepalive *link)
{
	return keepalive_is_up(link) && !is_here(context, link);
}

enum keeper_place
keeper_judge_place(struct keeper *k, const struct addr *local)
{
	struct addr here = *local;

	if (!keeper_is_up(k))
		return KEEPER_HERE; /* which tells nothing of those that were astray */
	if (links_any(k->links, is_here, &here)) {
		k->astray = 0;
		links_remove(k->links, is_elsewhere, &here, true);
		return KEEPER_HERE;
	}
	if (k->astray++ == 0)
		return KEEPER_STALE;
	return k->astray > k->servers->keep_alive_count ? KEEPER_ALL_ASTRAY : KEEPER_ASTRAY;
}

/* What is on its way may come from an address that is gone, too. */
static bool
is_from_nowhere(void *context, const struct keepalive *link)
{
	struct addr own = keepalive_local(link);

	(void)context;
	return !keepalive_is_up(link) || !net_is_own_address(&own);
}

void
keeper_look_again(struct keeper *k)
{
	k->astray = 0;
	links_remove(k->links, is_from_nowhere, NULL, false);
	keeper_test(k);
}

void
keeper_explain_astray(const struct keeper *k, const struct addr *local, char *buf, size_t size)
{
	struct addr own = keeper_local(k);
	char from[2][ADDR_TEXT_SIZE];

	snprintf(buf, size,
	    "The ways to the STUN and the keep-alive servers begin at different addresses of this machine: please bind "
	    "the mapping to one of them. STUN: %s, %.60s: %s.",
	    addr_ip_text(local, from[0]), keepalive_server(links_first(k->links))->name, addr_ip_text(&own, from[1]));
}

/* --- Life --- */

struct keeper *
keeper_new(struct worker *worker, const struct servers *servers, const struct keeper_handlers *handlers, void *context)
{
	static const struct links_handlers from_links = {on_up, on_answer, on_end, on_failure, is_network_good};
	const struct mapping *m = &worker->mapping;
	struct keeper *k = alloc_zero(sizeof(*k));

	k->worker = worker;
	k->servers = servers;
	k->handlers = *handlers;
	k->context = context;
	interval_init(&k->interval, m->keep_alive_shortest, m->keep_alive_longest, net_now());
	k->links = links_new(worker, servers, &from_links, k);
	links_set_pace(k->links, interval_seconds(&k->interval));
	k->look = event_new(worker->base, -1, 0, on_look, k);
	if (k->look == NULL)
		fatal("out of memory");
	return k;
}

void
keeper_free(struct keeper *k)
{
	links_free(k->links);
	event_free(k->look);
	free(k);
}
