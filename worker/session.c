/* SPDX-License-Identifier: ISC */
/*
 * The state machine; see session.h.
 *
 *     WAITING --servers--> CONNECTING --up--> PROBING --answer--> OPEN
 *                             ^  (TCP only)      |                 |
 *                             |                failed        doubt | ^ answer
 *                             +--- BACKOFF <-----+                 v |
 *                                     ^--- every server lost --- DEGRADED
 *
 * A failing STUN server never takes the outer address away: only the loss of
 * the keep-alive towards every server does, or a fresh answer.
 */
#include "session.h"

#include <bsd/stdlib.h>
#include <stdlib.h>

#include "alloc.h"
#include "bulletin.h"
#include "keepalive.h"
#include "log.h"
#include "round.h"
#include "serving.h"
#include "uplink.h"

#define BACKOFF_MAX 60
/* A connection that lived shorter than this was closed by a server that does
 * not want to be a keep-alive: going back to it at once would hammer it. */
#define SHORT_LIFE 5.0
/* Seconds; see retry_keep_alive. */
#define PAUSE_MAX 5
/* UDP: so long a silence is a doubt, after requests at 0, 0.5 and 1.5 s. */
static const struct timeval doubt_delay = {.tv_sec = 2};

struct session {
	struct worker *worker;
	struct servers servers;
	struct bulletin *bulletin;
	struct event *timer;   /* what it means depends on the state: see on_timer */
	struct serving *serving;
	struct keepalive *keepalive;    /* TCP */
	struct round *round;            /* servers being asked now */
	struct probe *binding;          /* UDP: the server that is the keep-alive */
	bool binding_asked;             /* UDP: and has not answered yet */
	unsigned int next_keep_alive;   /* counters round the servers' lists */
	unsigned int next_stun;
	unsigned int lost_in_a_row;     /* keep-alive servers, since the last good one */
	unsigned int short_lives;       /* keep-alive connections, likewise */
	unsigned int failures;          /* tries since the last success */
};

static void punch(struct session *s);
static void ask_servers(struct session *s);

static bool
is_udp(const struct session *s)
{
	return s->worker->mapping.protocol == PROTOCOL_UDP;
}

static enum state
state_of(const struct session *s)
{
	return (enum state)bulletin_report(s->bulletin)->state;
}

static void
set_timer(struct session *s, unsigned int seconds)
{
	struct timeval t = {.tv_sec = seconds};

	event_add(s->timer, &t);
}

/* 1, 2, 4 .. 60 s with the number of failures, which begins at 1. */
static unsigned int
backoff_seconds(unsigned int failures)
{
	return failures - 1 >= 6 ? BACKOFF_MAX : 1U << (failures - 1);
}

/* The one way into a state: its entry action and its timer. */
static void
enter(struct session *s, enum state state, const char *why)
{
	event_del(s->timer);
	switch (state) {
	case STATE_OPEN:
		s->failures = 0;
		if (is_udp(s))
			set_timer(s, s->worker->mapping.keep_alive_interval);
		break;
	case STATE_BACKOFF:
		bulletin_withdraw(s->bulletin);
		set_timer(s, backoff_seconds(++s->failures));
		break;
	case STATE_WAITING:
	case STATE_CONNECTING:
	case STATE_PROBING:
	case STATE_DEGRADED:
	case STATE_COUNT:
		break;
	}
	bulletin_enter(s->bulletin, state, why);
}

static void
drop_round(struct session *s)
{
	round_free(s->round);
	s->round = NULL;
}

static void
drop_keep_alive(struct session *s)
{
	keepalive_free(s->keepalive);
	s->keepalive = NULL;
}

/* While the outer address is published, trouble is a doubt, not the end. */
static void
enter_doubt_or(struct session *s, enum state otherwise, const char *why)
{
	enter(s, bulletin_is_published(s->bulletin) ? STATE_DEGRADED : otherwise, why);
}

static void
publish(struct session *s, const struct probe_result *result)
{
	bulletin_publish(s->bulletin, result);
	enter(s, STATE_OPEN, "");
}

static void
drop_binding(struct session *s)
{
	probe_free(s->binding);
	s->binding = NULL;
	s->binding_asked = false;
}

/* A UDP mapping's server answered, or fell silent, again.  That it sees another
 * address is only believed if others see the same. */
static void
on_binding(void *context, struct probe *probe, const struct probe_result *result)
{
	struct session *s = context;

	(void)probe;
	s->binding_asked = false;
	if (result->ok && addr_equal(&result->mapped, &bulletin_report(s->bulletin)->outer)) {
		drop_round(s);
		publish(s, result);
		return;
	}
	if (!result->ok)
		log_debug("%s", result->error);
	drop_binding(s);
	s->next_stun++;
	if (s->round == NULL) {
		enter(s, STATE_DEGRADED, result->ok ? "a STUN server sees another address" : result->error);
		ask_servers(s);
	}
}

static void
ask_binding_again(struct session *s)
{
	event_add(s->timer, &doubt_delay);
	s->binding_asked = true;
	probe_again(s->binding);
}

static void
keep_winner(struct session *s, struct probe *winner)
{
	if (!is_udp(s)) {
		probe_free(winner);
		return;
	}
	drop_binding(s);
	s->binding = winner;
	probe_hand_over(winner, on_binding, s);
}

/* This machine has another address now, and the connection still has the old one:
 * nobody would keep open what the STUN server has just seen. */
static bool
is_keep_alive_elsewhere(const struct session *s, const struct addr *local)
{
	struct addr own;

	if (is_udp(s) || !keepalive_is_up(s->keepalive))
		return false;
	own = keepalive_local(s->keepalive);
	return addr_is_set(&own) && !addr_same_ip(&own, local);
}

static void
replace_keep_alive(struct session *s)
{
	drop_keep_alive(s);
	enter_doubt_or(s, STATE_CONNECTING, "this machine's own address changed");
	punch(s);
}

static void
take_address(struct session *s, const struct probe_result *result, struct probe *winner)
{
	log_debug("STUN server %s answered", probe_server(winner)->name);
	keep_winner(s, winner);
	if (is_keep_alive_elsewhere(s, &result->local))
		replace_keep_alive(s);
	else
		publish(s, result);
}

/* An address that only one server can use is no address to publish. */
static void
take_symmetric(struct session *s, const char *why)
{
	drop_binding(s);
	s->next_stun++;
	enter(s, STATE_BACKOFF, why);
}

static void
take_failure(struct session *s, const char *why)
{
	s->next_stun++;
	if (state_of(s) == STATE_OPEN)
		return; /* nobody doubted the address: it was only looked at again */
	enter_doubt_or(s, STATE_BACKOFF, why);
	if (state_of(s) == STATE_DEGRADED)
		set_timer(s, backoff_seconds(++s->failures));
}

static void
on_round(void *context, enum round_outcome outcome, const struct probe_result *result, struct probe *winner)
{
	struct session *s = context;
	struct probe_result r = *result; /* it goes with the round */

	drop_round(s);
	switch (outcome) {
	case ROUND_OK:
		take_address(s, &r, winner);
		break;
	case ROUND_SYMMETRIC:
		take_symmetric(s, r.error);
		break;
	case ROUND_FAILED:
		take_failure(s, r.error);
		break;
	}
}

static void
ask_servers(struct session *s)
{
	if (s->round == NULL && s->servers.stun_count > 0)
		s->round = round_start(s->worker, &s->servers, s->next_stun, on_round, s);
}

static void
probe_now(struct session *s)
{
	enter_doubt_or(s, STATE_PROBING, bulletin_report(s->bulletin)->error);
	ask_servers(s);
}

static void
on_keep_alive_up(void *context)
{
	probe_now(context);
}

/* Another server is next; one that is the only one, or closes at once, is left
 * alone for a moment that grows up to half the interval, but never so long that a
 * NAT could forget a connection that was reset (10 s on Linux). */
static void
retry_keep_alive(struct session *s, double lived)
{
	unsigned int pause, most = (s->worker->mapping.keep_alive_interval + 1) / 2;

	if (most > PAUSE_MAX)
		most = PAUSE_MAX;
	if (lived >= 0)
		s->short_lives = lived < SHORT_LIFE ? s->short_lives + 1 : 0;
	if (s->short_lives <= s->servers.keep_alive_count) {
		punch(s);
		return;
	}
	pause = backoff_seconds(s->short_lives - s->servers.keep_alive_count);
	set_timer(s, pause < most ? pause : most);
}

static void
on_keep_alive_lost(void *context, const char *reason, double lived)
{
	struct session *s = context;

	drop_keep_alive(s);
	drop_round(s);
	s->next_keep_alive++;
	log_debug("%s", reason);
	s->lost_in_a_row = lived < 0 ? s->lost_in_a_row + 1 : 0;
	if (s->lost_in_a_row >= s->servers.keep_alive_count) {
		s->lost_in_a_row = 0;
		enter(s, STATE_BACKOFF, reason);
		return;
	}
	enter_doubt_or(s, STATE_CONNECTING, reason);
	retry_keep_alive(s, lived);
}

static void
connect_keep_alive(struct session *s)
{
	static const struct keepalive_handlers handlers = {on_keep_alive_up, on_keep_alive_lost};
	const struct servers *v = &s->servers;

	enter_doubt_or(s, STATE_CONNECTING, bulletin_report(s->bulletin)->error);
	if (s->keepalive == NULL)
		s->keepalive = keepalive_start(s->worker, &v->keep_alive[s->next_keep_alive % v->keep_alive_count],
		    &handlers, s);
}

static bool
has_servers(const struct session *s)
{
	return s->servers.stun_count > 0 && (is_udp(s) || s->servers.keep_alive_count > 0);
}

static void
on_serving_ready(void *context)
{
	punch(context);
}

static void
on_serving_failed(void *context, const char *why)
{
	enter(context, STATE_BACKOFF, why);
}

static void
on_traffic(void *context)
{
	struct session *s = context;

	bulletin_send(s->bulletin);
}

/* Goes on from wherever things stand: first the relay, so that the published
 * port is never closed, then the keep-alive, then the question. */
static void
punch(struct session *s)
{
	if (!serving_is_ready(s->serving)) {
		serving_start(s->serving);
	} else if (!has_servers(s)) {
		enter_doubt_or(s, STATE_WAITING,
		    s->worker->mapping.bind.sa.sa_family == AF_INET6 ? "no IPv6 address of the servers is known yet"
								     : "no IPv4 address of the servers is known yet");
	} else if (!is_udp(s) && !keepalive_is_up(s->keepalive)) {
		connect_keep_alive(s);
	} else {
		probe_now(s);
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	if (state_of(s) != STATE_OPEN) {
		punch(s); /* a pause is over */
	} else if (s->binding != NULL && !s->binding_asked) {
		ask_binding_again(s);
	} else {
		enter(s, STATE_DEGRADED, "the STUN server that kept the mapping alive is silent");
		s->next_stun++;
		ask_servers(s);
	}
}

static void
on_servers(void *context, const struct servers *servers)
{
	struct session *s = context;

	s->servers = *servers;
	reach_note_servers(bulletin_reach(s->bulletin));
	if (state_of(s) != STATE_OPEN && s->round == NULL && (s->keepalive == NULL || keepalive_is_up(s->keepalive)))
		punch(s);
}

static void
on_again(void *context)
{
	struct session *s = context;

	bulletin_look_again(s->bulletin);
	/* What is under way may come from an address that this machine has no more. */
	drop_round(s);
	if (state_of(s) == STATE_OPEN) {
		ask_servers(s);
		return;
	}
	if (!keepalive_is_up(s->keepalive))
		drop_keep_alive(s);
	punch(s);
}

struct session *
session_new(struct worker *worker)
{
	static const struct uplink_handlers from_above = {on_servers, on_again};
	static const struct serving_handlers from_serving = {on_serving_ready, on_serving_failed, on_traffic};
	struct session *s = alloc_zero(sizeof(*s));

	s->worker = worker;
	s->timer = event_new(worker->base, -1, 0, on_timer, s);
	if (s->timer == NULL)
		fatal("out of memory");
	/* Many mappings share the list: they begin at different servers. */
	s->next_stun = arc4random_uniform(SERVERS_MAX);
	s->bulletin = bulletin_new(worker, &s->servers);
	s->serving = serving_new(worker, &s->servers, bulletin_reach(s->bulletin), &from_serving, s);
	bulletin_set_counters(s->bulletin, serving_counters(s->serving));
	uplink_set_handlers(worker->uplink, &from_above, s);
	enter(s, STATE_WAITING, "");
	punch(s);
	return s;
}

void
session_free(struct session *s)
{
	keepalive_free(s->keepalive);
	round_free(s->round);
	probe_free(s->binding);
	bulletin_free(s->bulletin); /* it may give connections back */
	serving_free(s->serving);
	event_free(s->timer);
	free(s);
}
