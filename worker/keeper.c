/* SPDX-License-Identifier: ISC */
/*
 * The connections that hold a TCP mapping; see keeper.h.
 *
 * Two good ones are wanted, each to a server of its own (the kernel knows a connection by
 * its pair of addresses, and one end is always the mapped port).  A connection that is
 * leaving stays until its successor is up; if no other server can be had, it makes room
 * for itself.
 */
#include "keeper.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "interval.h"
#include "keepalive.h"
#include "log.h"
#include "net.h"
#include "report.h"
#include "vigil.h"
#include "webservers.h"

#define WANTED 2
/* With those that are leaving. */
#define LINKS_MAX 4
/* A probe is not heard within this: the connection itself is to blame, or it soon is. */
#define SILENT_SECONDS 4.0
/* So long is looked at what a test brings. */
#define TEST_SECONDS 5.0
/* The longest pause for servers that close at once, never so long that a NAT could forget a
 * connection that was reset (10 s on Linux): seconds. */
#define PAUSE_MAX 5.0
/* What follows if there is no way to any server. */
#define NO_NETWORK ". Please check your Internet connection."

static const struct timeval watch_delay = {.tv_sec = 1};
static const struct timeval unsure_delay = {.tv_usec = 250000};

struct keeper {
	struct worker *worker;
	const struct servers *servers;
	struct keeper_handlers handlers;
	void *context;
	struct webservers *webservers;
	struct keepalive *links[LINKS_MAX];
	struct event *timer; /* the end of a server's rest */
	struct event *look;  /* at the connections' quiet, while they are probed every second */
	struct vigil vigil;
	struct interval interval;
	double idle;       /* how long the last connection had been idle that was lost */
	double test_until; /* on the monotonic clock */
	bool on_watch;
	bool wanting;             /* keeper_connect was called, and nobody gave up since */
	unsigned int failed;      /* attempts in a row while there is no connection */
	unsigned int without_way; /* of those, the last ones to which there is no way */
	unsigned int astray;      /* judgements in a row that they are not here */
};

/* --- Which connections there are --- */

static bool
is_good(const struct keepalive *link)
{
	return keepalive_is_up(link) && !keepalive_is_leaving(link);
}

static unsigned int
count_links(const struct keeper *k, bool (*is)(const struct keepalive *))
{
	unsigned int i, count = 0;

	for (i = 0; i < LINKS_MAX; i++)
		count += k->links[i] != NULL && is(k->links[i]);
	return count;
}

static bool
is_coming(const struct keepalive *link)
{
	return !keepalive_is_up(link);
}

static struct keepalive *
find_link(const struct keeper *k, bool (*is)(const struct keepalive *))
{
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++)
		if (k->links[i] != NULL && is(k->links[i]))
			return k->links[i];
	return NULL;
}

static void
remove_link(struct keeper *k, struct keepalive *link)
{
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++)
		if (k->links[i] == link)
			k->links[i] = NULL;
	keepalive_free(link);
}

static void
drop_links(struct keeper *k)
{
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++) {
		keepalive_free(k->links[i]);
		k->links[i] = NULL;
	}
	vigil_settle(&k->vigil, false);
}

/* Seconds since anything was heard on any of them. */
static double
quiet_of_links(const struct keeper *k)
{
	double quiet, least = -1;
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++) {
		if (k->links[i] == NULL || !keepalive_is_up(k->links[i]))
			continue;
		quiet = keepalive_quiet(k->links[i]);
		if (least < 0 || quiet < least)
			least = quiet;
	}
	return least < 0 ? 0 : least;
}

/* --- The pace --- */

static bool
is_watching(const struct keeper *k)
{
	return k->on_watch || k->vigil.in_doubt || net_now() < k->test_until;
}

static unsigned int
pace(const struct keeper *k)
{
	return is_watching(k) ? 1 : interval_seconds(&k->interval);
}

static void
set_pace(struct keeper *k)
{
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++)
		if (k->links[i] != NULL)
			keepalive_set_pace(k->links[i], pace(k));
}

static void
begin_to_look(struct keeper *k)
{
	if (event_pending(k->look, EV_TIMEOUT, NULL))
		return;
	vigil_begin(&k->vigil, net_now());
	set_pace(k);
	event_add(k->look, &watch_delay);
}

/* --- Making connections --- */

static const struct keepalive_handlers from_link;

static bool
is_busy(void *context, const struct addr *addr)
{
	const struct keeper *k = context;
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++)
		if (k->links[i] != NULL && addr_equal(&keepalive_server(k->links[i])->addr, addr))
			return true;
	return false;
}

/* How long it lived is remembered of its server. */
static void
retire(struct keeper *k, struct keepalive *link)
{
	double half = interval_seconds(&k->interval) / 2.0;

	if (keepalive_is_up(link))
		webservers_note_life(k->webservers, &keepalive_server(link)->addr, keepalive_age(link),
		    half < PAUSE_MAX ? half : PAUSE_MAX);
	remove_link(k, link);
}

static bool
wants_another(const struct keeper *k)
{
	unsigned int there = webservers_count(k->webservers), coming = count_links(k, is_coming);

	if (!k->wanting || count_links(k, is_good) + coming >= (there < WANTED ? there : WANTED))
		return false;
	return keeper_is_up(k) || k->failed + coming < there;
}

static struct keepalive *
start_link(struct keeper *k, const struct server *server)
{
	return keepalive_start(k->worker, k->servers, server, pace(k),
	    webservers_idle_limit(k->webservers, &server->addr), &from_link, k);
}

static struct keepalive **
find_place(struct keeper *k)
{
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++)
		if (k->links[i] == NULL)
			return &k->links[i];
	return NULL;
}

/* As many as are wanted, as far as servers can be had. */
static void
fill(struct keeper *k)
{
	const struct server *server;
	struct keepalive *leaving, **place;
	struct timeval t;
	double wait;

	event_del(k->timer);
	while (wants_another(k)) {
		server = webservers_choose(k->webservers, is_busy, k, find_link(k, is_good) == NULL, &wait);
		leaving = find_link(k, keepalive_is_leaving);
		place = find_place(k);
		if (server != NULL && place != NULL) {
			*place = start_link(k, server);
		} else if (leaving != NULL) {
			retire(k, leaving); /* its server may be the only one left */
		} else {
			t = (struct timeval){.tv_sec = (time_t)wait, .tv_usec = (suseconds_t)((wait - (int)wait) * 1e6)};
			if (wait > 0)
				event_add(k->timer, &t);
			return;
		}
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	fill(arg);
}

/* --- What becomes of them --- */

static void
on_link_up(void *context, struct keepalive *link)
{
	struct keeper *k = context;
	bool was_down = find_link(k, is_good) == link && count_links(k, keepalive_is_up) == 1;
	struct keepalive *leaving = find_link(k, keepalive_is_leaving);

	k->failed = k->without_way = 0;
	webservers_note_success(k->webservers, &keepalive_server(link)->addr);
	if (leaving != NULL)
		retire(k, leaving);
	if (is_watching(k))
		begin_to_look(k);
	fill(k);
	if (was_down)
		k->handlers.on_up(k->context);
}

static void
on_link_leaving(void *context, struct keepalive *link)
{
	(void)link;
	fill(context);
}

static void
on_link_answer(void *context, struct keepalive *link)
{
	struct keeper *k = context;

	(void)link;
	if (!is_watching(k))
		interval_held(&k->interval, interval_seconds(&k->interval), net_now());
}

static void
take_attempt(struct keeper *k, enum keepalive_end end, const char *reason)
{
	char why[REPORT_ERROR_SIZE];
	bool all, no_way;

	if (keeper_is_up(k)) {
		fill(k);
		return;
	}
	k->failed++;
	k->without_way = end == KEEPALIVE_NO_WAY ? k->without_way + 1 : 0;
	all = k->failed >= webservers_count(k->webservers) && find_link(k, is_coming) == NULL;
	no_way = all && k->without_way >= webservers_count(k->webservers);
	if (all) {
		k->wanting = false;
		k->failed = k->without_way = 0;
	}
	fill(k);
	snprintf(why, sizeof(why), "%s%s", reason, no_way ? NO_NETWORK : "");
	k->handlers.on_lost(k->context, why, no_way ? KEEPER_NO_WAY : all ? KEEPER_GAVE_UP : KEEPER_TRYING);
}

/* One that was up. */
static void
take_loss(struct keeper *k, enum keepalive_end end, const char *reason)
{
	bool suspicious = end == KEEPALIVE_RESET || end == KEEPALIVE_SILENT;

	fill(k);
	if (!keeper_is_up(k)) {
		vigil_settle(&k->vigil, false);
		k->handlers.on_lost(k->context, reason, KEEPER_TRYING);
	} else if (suspicious) {
		keeper_test(k);
		k->handlers.on_doubt(k->context, reason);
	}
}

static void
on_link_lost(void *context, struct keepalive *link, enum keepalive_end end, const char *reason)
{
	struct keeper *k = context;
	struct addr addr = keepalive_server(link)->addr;
	bool was_up = keepalive_is_up(link), another;

	log_debug("%s", reason);
	if (was_up)
		k->idle = keepalive_quiet(link);
	if (keepalive_idle_end(link) > 0)
		webservers_set_idle_limit(k->webservers, &addr, keepalive_idle_end(link));
	retire(k, link);
	if (!was_up && keeper_is_up(k))
		webservers_note_life(k->webservers, &addr, 0, PAUSE_MAX);
	another = find_link(k, is_good) != NULL && !k->vigil.in_doubt;
	if (end == KEEPALIVE_USELESS || (another && (!was_up || end == KEEPALIVE_SILENT)))
		webservers_note_failure(k->webservers, &addr);
	if (was_up)
		take_loss(k, end, reason);
	else
		take_attempt(k, end, reason);
}

static const struct keepalive_handlers from_link = {on_link_up, on_link_leaving, on_link_answer, on_link_lost};

/* --- The vigil --- */

static bool
is_silent(const struct keeper *k, const struct keepalive *link)
{
	return keepalive_is_up(link) && vigil_count(&k->vigil, keepalive_quiet(link), net_now()) > SILENT_SECONDS;
}

/* Successors come before those that are not heard go, if there are other servers. */
static void
replace_silent(struct keeper *k)
{
	bool any = false, another;
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++) {
		if (k->links[i] == NULL || keepalive_is_leaving(k->links[i]) || !is_silent(k, k->links[i]))
			continue;
		keepalive_dismiss(k->links[i]);
		any = true;
		another = !k->vigil.in_doubt && find_link(k, is_good) != NULL;
		if (another)
			webservers_note_failure(k->webservers, &keepalive_server(k->links[i])->addr);
	}
	if (any)
		fill(k);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	enum vigil_verdict verdict;

	(void)fd;
	(void)what;
	if (!is_watching(k) || !keeper_is_up(k)) {
		set_pace(k);
		return; /* begin_to_look goes on when it is needed */
	}
	verdict = vigil_look(&k->vigil, quiet_of_links(k), net_now());
	event_add(k->look, verdict == VIGIL_FINE || verdict == VIGIL_HEARD ? &watch_delay : &unsure_delay);
	replace_silent(k);
	if (!keeper_is_up(k))
		k->handlers.on_lost(k->context, "no keep-alive server is heard any more", KEEPER_TRYING);
	else if (verdict == VIGIL_DOUBT)
		k->handlers.on_doubt(k->context, "no keep-alive server is heard any more");
	else if (verdict == VIGIL_HEARD)
		k->handlers.on_heard(k->context);
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
	vigil_settle(&k->vigil, true);
}

/* --- What the session wants --- */

void
keeper_connect(struct keeper *k)
{
	k->wanting = true;
	fill(k);
}

void
keeper_drop(struct keeper *k)
{
	event_del(k->timer);
	drop_links(k);
	k->wanting = false;
	k->failed = k->without_way = 0;
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
	return find_link(k, keepalive_is_up) != NULL;
}

bool
keeper_is_live(const struct keeper *k)
{
	return keeper_is_up(k) && !k->vigil.in_doubt;
}

bool
keeper_is_connecting(const struct keeper *k)
{
	return k->wanting && !keeper_is_up(k);
}

void
keeper_note_hole_lost(struct keeper *k)
{
	double quiet = keeper_is_up(k) ? quiet_of_links(k) : k->idle, now = net_now();

	if (!is_watching(k) && interval_lost(&k->interval, quiet, now))
		log_info("the NAT forgot the hole after %.0f s: the interval is %u s from now on", quiet,
		    interval_seconds(&k->interval));
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
	const struct keepalive *link = find_link(k, keepalive_is_up);
	struct addr none = {0};

	return link != NULL ? keepalive_local(link) : none;
}

/* Those with another address than that one hold open something else. */
static void
give_up_others(struct keeper *k, const struct addr *local)
{
	struct addr own;
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++) {
		if (k->links[i] == NULL || !keepalive_is_up(k->links[i]))
			continue;
		own = keepalive_local(k->links[i]);
		if (addr_same_ip(&own, local))
			continue;
		webservers_note_failure(k->webservers, &keepalive_server(k->links[i])->addr);
		retire(k, k->links[i]);
	}
	fill(k);
}

static bool
has_link_from(const struct keeper *k, const struct addr *local)
{
	struct addr own;
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++) {
		if (k->links[i] == NULL || !keepalive_is_up(k->links[i]))
			continue;
		own = keepalive_local(k->links[i]);
		if (addr_same_ip(&own, local))
			return true;
	}
	return false;
}

enum keeper_place
keeper_judge_place(struct keeper *k, const struct addr *local)
{
	if (!keeper_is_up(k)) {
		k->astray = 0;
		return KEEPER_HERE;
	}
	if (has_link_from(k, local)) {
		k->astray = 0;
		give_up_others(k, local);
		return KEEPER_HERE;
	}
	if (k->astray++ == 0)
		return KEEPER_STALE;
	return k->astray > k->servers->keep_alive_count ? KEEPER_ALL_ASTRAY : KEEPER_ASTRAY;
}

void
keeper_look_again(struct keeper *k)
{
	struct addr own;
	unsigned int i;

	k->astray = 0;
	for (i = 0; i < LINKS_MAX; i++) {
		if (k->links[i] == NULL)
			continue;
		own = keepalive_local(k->links[i]);
		if (!keepalive_is_up(k->links[i]) || !net_is_own_address(&own))
			remove_link(k, k->links[i]);
	}
	k->failed = k->without_way = 0;
	fill(k);
	keeper_test(k);
}

void
keeper_explain_astray(const struct keeper *k, const struct addr *local, char *buf, size_t size)
{
	const struct keepalive *link = find_link(k, keepalive_is_up);
	struct addr own = keeper_local(k);
	char from[2][ADDR_TEXT_SIZE];

	snprintf(buf, size,
	    "The ways to the STUN and the keep-alive servers begin at different addresses of this machine: please bind "
	    "the mapping to one of them. STUN: %s, %.60s: %s.",
	    addr_ip_text(local, from[0]), keepalive_server(link)->name, addr_ip_text(&own, from[1]));
}

/* --- Life --- */

struct keeper *
keeper_new(struct worker *worker, const struct servers *servers, const struct keeper_handlers *handlers, void *context)
{
	const struct mapping *m = &worker->mapping;
	struct keeper *k = alloc_zero(sizeof(*k));

	k->worker = worker;
	k->servers = servers;
	k->handlers = *handlers;
	k->context = context;
	k->webservers = webservers_new(servers, worker->uplink);
	interval_init(&k->interval, m->keep_alive_shortest, m->keep_alive_longest, net_now());
	k->timer = event_new(worker->base, -1, 0, on_timer, k);
	k->look = event_new(worker->base, -1, 0, on_look, k);
	if (k->timer == NULL || k->look == NULL)
		fatal("out of memory");
	return k;
}

void
keeper_free(struct keeper *k)
{
	keeper_drop(k);
	event_free(k->timer);
	event_free(k->look);
	webservers_free(k->webservers);
	free(k);
}
