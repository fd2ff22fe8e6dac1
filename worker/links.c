/* SPDX-License-Identifier: ISC */
/*
 * The set of keep-alive connections; see links.h.
 */
#include "links.h"

#include <stdlib.h>

#include "alloc.h"
#include "duration.h"
#include "log.h"
#include "webservers.h"

#define WANTED 2
/* With those that are leaving. */
#define LINKS_MAX 4
/* The longest pause for servers that close at once, never so long that a NAT could forget a
 * connection that was reset (10 s on Linux): seconds. */
#define PAUSE_MAX 5.0

struct links {
	struct worker *worker;
	const struct servers *servers;
	struct links_handlers handlers;
	void *context;
	struct webservers *webservers;
	struct keepalive *all[LINKS_MAX];
	struct event *timer; /* the end of a server's rest */
	unsigned int pace;
	double last_idle;
	struct addr reset_by; /* who ended one with a reset, and whether for good reason is not known; unset: nobody */
	bool wanting;             /* links_connect was called, and nobody gave up since */
	unsigned int failed;      /* attempts in a row while none is up */
	unsigned int without_way; /* of those, the last ones to which there is no way */
	unsigned int blocked;     /* of those, the last ones to which older connections have not ended yet */
};

static const struct keepalive_handlers from_link;

static bool
is_good(const struct keepalive *link)
{
	return keepalive_is_up(link) && !keepalive_is_leaving(link);
}

static bool
is_coming(const struct keepalive *link)
{
	return !keepalive_is_up(link);
}

static bool
is_early(const struct keepalive *link)
{
	return !keepalive_is_leaving(link) && !keepalive_is_late(link);
}

static unsigned int
count(const struct links *l, bool (*is)(const struct keepalive *))
{
	unsigned int i, n = 0;

	for (i = 0; i < LINKS_MAX; i++)
		n += l->all[i] != NULL && is(l->all[i]);
	return n;
}

static struct keepalive *
find(const struct links *l, bool (*is)(const struct keepalive *))
{
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++)
		if (l->all[i] != NULL && is(l->all[i]))
			return l->all[i];
	return NULL;
}

static struct keepalive **
find_place(struct links *l)
{
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++)
		if (l->all[i] == NULL)
			return &l->all[i];
	return NULL;
}

static bool
is_busy(void *context, const struct addr *addr)
{
	const struct links *l = context;
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++)
		if (l->all[i] != NULL && addr_equal(&keepalive_server(l->all[i])->addr, addr))
			return true;
	return false;
}

static void
remove_link(struct links *l, struct keepalive *link)
{
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++)
		if (l->all[i] == link)
			l->all[i] = NULL;
	keepalive_free(link);
}

/* Its server ended it, or said that it would: how long it lived is remembered of it. */
static void
remove_ended(struct links *l, struct keepalive *link)
{
	if (keepalive_is_up(link))
		webservers_note_life(l->webservers, &keepalive_server(link)->addr, keepalive_age(link), PAUSE_MAX);
	remove_link(l, link);
}

static bool
wants_another(const struct links *l)
{
	unsigned int there = webservers_count(l->webservers), coming = count(l, is_coming);

	if (!l->wanting || count(l, is_good) + coming >= (there < WANTED ? there : WANTED))
		return false;
	return links_are_up(l) || l->failed + coming < there;
}

static struct keepalive *
start_link(struct links *l, const struct server *server)
{
	struct keepalive_times times = {.pace = l->pace};

	times.idle_limit = webservers_idle_limit(l->webservers, &server->addr);
	times.late = find(l, is_early) != NULL;
	return keepalive_start(l->worker, l->servers, server, &times, &from_link, l);
}

static void
wait_for_server(struct links *l, double seconds)
{
	struct timeval t = duration(seconds);

	if (seconds > 0)
		event_add(l->timer, &t);
}

/* One that is leaving and can make room: the last one that is up waits for what is coming. */
static struct keepalive *
find_dispensable(const struct links *l)
{
	bool is_last = count(l, keepalive_is_up) == 1;

	return is_last && find(l, is_coming) != NULL ? NULL : find(l, keepalive_is_leaving);
}

/* As many as are wanted, as far as servers can be had. */
static void
fill(struct links *l)
{
	const struct server *server;
	struct keepalive *leaving, **place;
	double wait;

	event_del(l->timer);
	while (wants_another(l)) {
		server = webservers_choose(l->webservers, is_busy, l, find(l, is_good) == NULL, &wait);
		leaving = find_dispensable(l);
		place = find_place(l);
		if (server != NULL && place != NULL) {
			*place = start_link(l, server);
		} else if (leaving != NULL) {
			remove_ended(l, leaving); /* its server may be the only one left */
		} else {
			wait_for_server(l, wait);
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

static void
on_link_up(void *context, struct keepalive *link)
{
	struct links *l = context;
	struct keepalive *leaving = find(l, keepalive_is_leaving);
	bool is_first = count(l, keepalive_is_up) == 1;

	(void)link;
	l->failed = l->without_way = l->blocked = 0;
	webservers_note_contact(l->webservers);
	if (leaving != NULL)
		remove_ended(l, leaving);
	fill(l);
	l->handlers.on_up(l->context, is_first);
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
	struct links *l = context;

	webservers_note_success(l->webservers, &keepalive_server(link)->addr);
	l->handlers.on_answer(l->context);
}

static void
take_failure(struct links *l, const struct addr *addr, enum keepalive_end end, const char *reason)
{
	enum links_outlook outlook = LINKS_COMING;
	unsigned int there = webservers_count(l->webservers);

	webservers_note_vain(l->webservers, addr);
	l->failed++;
	l->without_way = end == KEEPALIVE_NO_WAY ? l->without_way + 1 : 0;
	l->blocked = end == KEEPALIVE_BLOCKED ? l->blocked + 1 : 0;
	if (l->failed >= there && find(l, is_coming) == NULL) {
		outlook = there > 0 && l->without_way >= there ? LINKS_NO_WAY
			  : there > 0 && l->blocked >= there   ? LINKS_BLOCKED
							       : LINKS_GAVE_UP;
		l->wanting = false;
	}
	fill(l);
	l->handlers.on_failure(l->context, outlook, reason);
}

static bool
is_server_to_blame(const struct links *l, const struct addr *addr, enum keepalive_end end)
{
	switch (end) {
	case KEEPALIVE_NOT_TRIED:
	case KEEPALIVE_BLOCKED:
		return false;
	case KEEPALIVE_USELESS:
		return true;
	case KEEPALIVE_CLOSED:
	case KEEPALIVE_RESET:
		return webservers_is_fickle(l->webservers, addr) && l->handlers.is_network_good(l->context);
	default:
		return l->handlers.is_network_good(l->context);
	}
}

/* Others can leave a server alone that fails while the network works; one that refuses is not
 * asked again at once.  A connection that has not ended here is not the server's fault. */
static void
note_failure(struct links *l, const struct addr *addr, bool was_up, enum keepalive_end end)
{
	if (!was_up && links_are_up(l))
		webservers_note_life(l->webservers, addr, 0, PAUSE_MAX);
	if (is_server_to_blame(l, addr, end))
		webservers_note_failure(l->webservers, addr);
}

static void
on_link_lost(void *context, struct keepalive *link, enum keepalive_end end, const char *reason)
{
	struct links *l = context;
	struct addr addr = keepalive_server(link)->addr;
	bool was_up = keepalive_is_up(link);

	log_debug("%s", reason);
	if (was_up)
		l->last_idle = keepalive_quiet(link);
	if (was_up && end == KEEPALIVE_RESET)
		l->reset_by = addr;
	if (keepalive_idle_end(link) > 0)
		webservers_note_idle_end(l->webservers, &addr, keepalive_idle_end(link));
	remove_ended(l, link);
	note_failure(l, &addr, was_up, end);
	if (!was_up && !links_are_up(l)) {
		take_failure(l, &addr, end, reason);
		return;
	}
	fill(l);
	if (was_up)
		l->handlers.on_end(l->context, end, reason);
}

static const struct keepalive_handlers from_link = {on_link_up, on_link_leaving, on_link_answer, on_link_lost};

void
links_connect(struct links *l)
{
	if (!l->wanting)
		l->failed = l->without_way = l->blocked = 0;
	l->wanting = true;
	fill(l);
}

void
links_drop(struct links *l)
{
	unsigned int i;

	event_del(l->timer);
	for (i = 0; i < LINKS_MAX; i++)
		if (l->all[i] != NULL)
			remove_link(l, l->all[i]);
	l->wanting = false;
}

void
links_set_pace(struct links *l, unsigned int seconds)
{
	unsigned int i;

	l->pace = seconds;
	for (i = 0; i < LINKS_MAX; i++)
		if (l->all[i] != NULL)
			keepalive_set_pace(l->all[i], seconds);
}

bool
links_are_up(const struct links *l)
{
	return find(l, keepalive_is_up) != NULL;
}

bool
links_are_coming(const struct links *l)
{
	return l->wanting && !links_are_up(l);
}

const struct keepalive *
links_first(const struct links *l)
{
	return find(l, keepalive_is_up);
}

double
links_quiet(const struct links *l)
{
	double quiet, least = -1;
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++) {
		if (l->all[i] == NULL || !keepalive_is_up(l->all[i]))
			continue;
		quiet = keepalive_quiet(l->all[i]);
		if (least < 0 || quiet < least)
			least = quiet;
	}
	return least < 0 ? 0 : least;
}

double
links_last_idle(const struct links *l)
{
	return l->last_idle;
}

bool
links_any(const struct links *l, links_test *test, void *context)
{
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++)
		if (l->all[i] != NULL && keepalive_is_up(l->all[i]) && test(context, l->all[i]))
			return true;
	return false;
}

void
links_replace(struct links *l, links_test *test, void *context, bool blame)
{
	bool such[LINKS_MAX] = {false}, any = false;
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++) {
		such[i] = l->all[i] != NULL && is_good(l->all[i]) && test(context, l->all[i]);
		if (such[i])
			keepalive_dismiss(l->all[i]);
		any = any || such[i];
	}
	for (i = 0; i < LINKS_MAX; i++)
		if (such[i] && blame && find(l, is_good) != NULL && l->handlers.is_network_good(l->context))
			webservers_note_failure(l->webservers, &keepalive_server(l->all[i])->addr);
	if (any)
		fill(l);
}

void
links_remove(struct links *l, links_test *test, void *context, bool blame)
{
	unsigned int i;

	for (i = 0; i < LINKS_MAX; i++) {
		if (l->all[i] == NULL || !test(context, l->all[i]))
			continue;
		if (blame)
			webservers_note_failure(l->webservers, &keepalive_server(l->all[i])->addr);
		remove_link(l, l->all[i]);
	}
	fill(l);
}

static bool
is_resetters(void *context, const struct keepalive *link)
{
	return addr_equal(&keepalive_server(link)->addr, &((const struct links *)context)->reset_by);
}

static bool
is_anothers(void *context, const struct keepalive *link)
{
	return !is_resetters(context, link);
}

/* The next connection to it may have begun meanwhile. */
void
links_settle_reset(struct links *l, bool blame)
{
	if (blame && addr_is_set(&l->reset_by)) {
		webservers_note_failure(l->webservers, &l->reset_by);
		if (links_any(l, is_anothers, l))
			links_remove(l, is_resetters, l, false);
	}
	l->reset_by = (struct addr){0};
}

struct links *
links_new(struct worker *worker, const struct servers *servers, const struct links_handlers *handlers, void *context)
{
	struct links *l = alloc_zero(sizeof(*l));

	l->worker = worker;
	l->servers = servers;
	l->handlers = *handlers;
	l->context = context;
	l->pace = 1;
	l->webservers = webservers_new(servers, worker->uplink);
	l->timer = event_new(worker->base, -1, 0, on_timer, l);
	if (l->timer == NULL)
		fatal("out of memory");
	return l;
}

void
links_free(struct links *l)
{
	links_drop(l);
	event_free(l->timer);
	webservers_free(l->webservers);
	free(l);
}
