/* SPDX-License-Identifier: ISC */
/*
 * The table of mappings and its policy; see service.h.  What a worker sends is
 * gossip from a process that a stranger may have taken over (peer.h): a report is
 * checked before it counts.
 */
#include "service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "farewell.h"
#include "hook.h"
#include "jitter.h"
#include "lastresort.h"
#include "log.h"
#include "monotonic.h"
#include "neighbours.h"
#include "publish.h"
#include "servers.h"
#include "succession.h"
#include "turns.h"
#include "walls.h"
#include "watch.h"

#define BACKOFF_MAX 60
/* However well a worker proves itself, one that dies again and again may be a stranger's tries. */
#define REPLACED_AT_ONCE 20
#define REPLACED_EVERY_MS 20000
/* What proves a worker: so long a life, or so long since it opened the mapping. */
static const struct timeval healthy_life = {.tv_sec = 60};
static const struct timeval healthy_open = {.tv_sec = 1};
/* Longer than this nobody's clients are let wait for the next worker. */
#define TAKEOVER_PAUSE 1

static struct {
	struct event_base *base;
	struct services list;
	struct turns turns;
} services = {.list = TAILQ_HEAD_INITIALIZER(services.list)};

struct services *
services_all(void)
{
	return &services.list;
}

struct service *
service_find(const char *name)
{
	struct service *s;

	TAILQ_FOREACH(s, &services.list, entry)
		if (strcmp(s->mapping.name, name) == 0)
			return s;
	return NULL;
}

void
service_report(struct service *s, const struct report *new)
{
	struct report old = s->report;

	s->report = *new;
	if (new->state != STATE_STOPPED)
		neighbours_take_report(s, &old); /* who ends a mapping learned nothing of the NAT */
	publish_report(s, &old);
	watch_choose(s);
}

/* Has it been open without a break, its address is as old as it was. */
static void
believe(struct service *s, const struct report *new)
{
	struct report r = *new;
	int64_t now = time(NULL);

	if (r.since > now)
		r.since = now;
	if (addr_is_set(&r.outer) && addr_equal(&r.outer, &s->report.outer))
		r.since = s->report.since;
	if (r.state == STATE_OPEN && s->report.state != STATE_OPEN)
		event_add(s->healthy, &healthy_open);
	service_report(s, &r);
}

static void
on_heard(void *context, const struct report *r)
{
	struct service *s = context;

	if (!takeover_withholds(&s->takeover, r))
		believe(s, r);
}

/* The inner address goes into hooks: it must be one that the mapping can have.  What was
 * believed may be said again, although another address stands in for the mapping's by now. */
static bool
is_own_address(const struct service *s, const struct report *r)
{
	const struct addr *bound = &s->mapping.bind;

	if (addr_is_set(&r->outer) && r->outer.sa.sa_family != bound->sa.sa_family)
		return false;
	if (!addr_is_set(&r->inner))
		return true;
	return r->inner.sa.sa_family == bound->sa.sa_family && addr_port(&r->inner) == addr_port(bound) &&
	       (addr_is_wildcard(bound) || interface_had(&s->interface, &r->inner) ||
		   addr_same_ip(&r->inner, &s->report.inner));
}

static const char *
on_message(void *context, const struct message *m)
{
	struct service *s = context;

	if (m->kind == MESSAGE_SERVER)
		return servers_take_news(s, m);
	if (m->kind != MESSAGE_REPORT)
		return "sent what no worker of a mapping may send";
	if (m->length != sizeof(m->report) || !report_is_valid(&m->report) || !is_own_address(s, &m->report))
		return "sent a malformed report";
	if (!tally_take_report(&s->tally, &m->report))
		return "counts backwards";
	walls_note(m->report.confinement);
	callees_set_outer(&s->peer.callees, &m->report.outer);
	hearing_take(&s->hearing, &m->report, !report_same_news(&s->report, &m->report));
	return NULL;
}

/* 0, 1, 2, 4 .. 60 s and a little more: the first replacement comes at once. */
static unsigned int
pause_before_restart(const struct service *s)
{
	if (s->failures < 2)
		return 0;
	return s->failures > 7 ? BACKOFF_MAX : 1U << (s->failures - 2);
}

static unsigned int
pause_before_replacement(struct service *s)
{
	unsigned int least = (bucket_take(&s->replacements, monotonic_milliseconds()) + 999) / 1000;
	unsigned int pause = pause_before_restart(s);

	return pause > least ? pause : least;
}

static void
schedule_restart(struct service *s, unsigned int seconds)
{
	struct timeval t = jitter(seconds);

	event_add(s->restart, &t);
}

/* Without a process or a descriptor for it.  While another worker's address is kept, that one's end is the news. */
static void
note_no_start(struct service *s, int error)
{
	char why[REPORT_ERROR_SIZE];

	s->failures++;
	tally_count(&s->tally, CAUSE_WORKER_DIED);
	snprintf(why, sizeof(why), "its worker cannot be started: %s", strerror(error));
	if (s->takeover.running)
		log_warning("%s: %s", s->mapping.name, why);
	else
		succession_give_up(s, STATE_BACKOFF, why);
	schedule_restart(s, pause_before_restart(s));
}

static void
start_worker(struct service *s)
{
	tally_next_worker(&s->tally);
	s->as_asked = false;
	if (peer_start(&s->peer, services.base, &s->servers) < 0) {
		note_no_start(s, errno);
		return;
	}
	event_add(s->healthy, &healthy_life);
	watch_start(s);
}

static void
on_restart(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;

	(void)fd;
	(void)what;
	s->restarts += !s->awaits_turn;
	s->awaits_turn = false;
	start_worker(s);
}

static void
on_healthy(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;

	(void)fd;
	(void)what;
	s->failures = 0;
}

static void
on_ended(void *context, const char *why)
{
	struct service *s = context;
	unsigned int pause;

	if (services.base == NULL)
		return; /* we are leaving too */
	s->failures++;
	tally_count(&s->tally, CAUSE_WORKER_DIED);
	event_del(s->healthy);
	hearing_forget(&s->hearing);
	pause = pause_before_replacement(s);
	/* What one has touched that broke a rule is nothing for the next one. */
	if (addr_is_set(&s->report.outer) && !s->takeover.running && pause <= TAKEOVER_PAUSE && s->peer.offence == NULL)
		succession_begin(s, why);
	else
		succession_give_up(s, STATE_BACKOFF, why);
	schedule_restart(s, pause);
}

void
service_renew(struct service *s, const char *why)
{
	if (service_is_stopped(s))
		return; /* whoever starts it starts what it is by then */
	peer_dismiss(&s->peer);
	event_del(s->healthy);
	hearing_forget(&s->hearing);
	succession_give_up(s, STATE_BACKOFF, why);
	schedule_restart(s, pause_before_restart(s));
}

static void
on_socket(void *context, int error)
{
	lastresort_note(context, error);
}

struct service *
service_add(const struct config *config, const struct config_mapping *m)
{
	static const struct peer_handlers handlers = {on_message, on_socket, on_ended};
	struct service *s = alloc_zero(sizeof(*s));

	s->mapping = m->mapping;
	s->config = m;
	interface_init(&s->interface, &s->mapping);
	held_init(&s->held, &s->mapping, &s->interface);
	peer_init(&s->peer, &s->mapping, &handlers, s);
	s->peer.held = &s->held;
	s->peer.interface = &s->interface;
	s->state_since = time(NULL);
	s->restart = event_new(services.base, -1, 0, on_restart, s);
	s->healthy = event_new(services.base, -1, 0, on_healthy, s);
	succession_open(s, services.base);
	hearing_init(&s->hearing, services.base, on_heard, s);
	bucket_init(&s->replacements, REPLACED_AT_ONCE, REPLACED_EVERY_MS);
	if (s->restart == NULL || s->healthy == NULL)
		fatal("natterd: out of memory");
	s->hook = hook_new(services.base, s, &m->hook, config->directory);
	TAILQ_INSERT_TAIL(&services.list, s, entry);
	return s;
}

void
service_begin(struct service *s)
{
	unsigned int wait = turns_take(&services.turns, monotonic_milliseconds());
	struct timeval t = {.tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000};

	servers_list(s, &s->servers);
	s->awaits_turn = wait > 0;
	if (wait > 0)
		event_add(s->restart, &t);
	else
		start_worker(s);
}

void
services_start(struct event_base *base, const struct config *config)
{
	const struct config_mapping *m;
	struct service *s;

	services.base = base;
	neighbours_open(base);
	servers_open(base, services_update_servers);
	TAILQ_FOREACH(m, &config->mappings, entry)
		service_add(config, m);
	TAILQ_FOREACH(s, &services.list, entry)
		service_begin(s);
}

static void
free_service(struct service *s)
{
	TAILQ_REMOVE(&services.list, s, entry);
	event_free(s->restart);
	event_free(s->healthy);
	event_free(s->takeover_deadline);
	hearing_free(&s->hearing);
	held_end(&s->held);
	free(s);
}

void
service_remove(struct service *s)
{
	hook_retire(s->hook);
	peer_dismiss(&s->peer);
	neighbours_forget(s);
	free_service(s);
}

void
services_look_again(void)
{
	struct service *s;

	TAILQ_FOREACH(s, &services.list, entry) {
		interface_look(&s->interface);
		peer_look_again(&s->peer, AGAIN_NETWORK);
	}
}

void
services_stop(void)
{
	struct service *s;

	services.base = NULL;
	farewell_end_all();
	peers_stop();
	TAILQ_FOREACH(s, &services.list, entry) {
		hook_retire(s->hook);
		s->hook = NULL;
	}
}

void
services_free(void)
{
	struct service *s;

	servers_close();
	neighbours_close();
	while ((s = TAILQ_FIRST(&services.list)) != NULL)
		free_service(s); /* NOLINT(clang-analyzer-unix.Malloc): it takes itself off the list */
}
