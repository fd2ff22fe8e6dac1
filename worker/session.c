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
#include <bsd/unistd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "keepalive.h"
#include "log.h"
#include "round.h"
#include "serving.h"
#include "text.h"
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
	struct report report;
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

static bool
is_published(const struct session *s)
{
	return addr_is_set(&s->report.outer);
}

static void
set_timer(struct session *s, unsigned int seconds)
{
	struct timeval t = {.tv_sec = seconds};

	event_add(s->timer, &t);
}

static void
set_title(const struct session *s)
{
	const struct mapping *m = &s->worker->mapping;
	char inner[ADDR_TEXT_SIZE], outer[ADDR_TEXT_SIZE];

	setproctitle("%s %s %s %s%s%s", m->name, protocol_name(m->protocol), addr_text(&m->bind, inner),
	    state_name(s->report.state), is_published(s) ? " at " : "", addr_text(&s->report.outer, outer));
}

static void
send_report(struct session *s)
{
	const struct relay_counters *c = serving_counters(s->serving);

	s->report.connections = c->connections;
	s->report.connections_total = c->connections_total;
	s->report.bytes_in = c->bytes_in;
	s->report.bytes_out = c->bytes_out;
	uplink_report(s->worker->uplink, &s->report);
}

/* 1, 2, 4 .. 60 s with the number of failures, which begins at 1. */
static unsigned int
backoff_seconds(unsigned int failures)
{
	return failures > 6 ? BACKOFF_MAX : 1U << (failures - 1);
}

/* Takes the outer address back: it is known to be gone. */
static void
unpublish(struct session *s)
{
	memset(&s->report.outer, 0, sizeof(s->report.outer));
	s->report.since = 0;
}

/* The one way into a state: its entry action, its timer, its log line. */
static void
enter(struct session *s, enum state state, const char *why)
{
	enum state old = s->report.state;

	s->report.state = state;
	/* A server's words may have been cut in the middle of a character. */
	if (why != s->report.error)
		text_copy_printable(s->report.error, sizeof(s->report.error), why, strlen(why));
	event_del(s->timer);
	switch (state) {
	case STATE_OPEN:
		s->failures = 0;
		if (is_udp(s))
			set_timer(s, s->worker->mapping.keep_alive_interval);
		break;
	case STATE_BACKOFF:
		unpublish(s);
		set_timer(s, backoff_seconds(++s->failures));
		break;
	case STATE_WAITING:
	case STATE_CONNECTING:
	case STATE_PROBING:
	case STATE_DEGRADED:
	case STATE_COUNT:
		break;
	}
	if (old != state)
		log_debug("%s -> %s%s%s", state_name(old), state_name(state), why[0] != '\0' ? ": " : "", why);
	set_title(s);
	send_report(s);
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
	enter(s, is_published(s) ? STATE_DEGRADED : otherwise, why);
}

static void
publish(struct session *s, const struct probe_result *result)
{
	if (!addr_equal(&s->report.outer, &result->mapped)) {
		s->report.outer = result->mapped;
		s->report.since = (int64_t)time(NULL);
	}
	s->report.inner = result->local;
	enter(s, STATE_OPEN, "");
}

/* A UDP mapping's server answered, or fell silent, again. */
static void
on_binding(void *context, struct probe *probe, const struct probe_result *result)
{
	struct session *s = context;

	(void)probe;
	s->binding_asked = false;
	if (result->ok) {
		drop_round(s);
		publish(s, result);
		return;
	}
	log_debug("%s", result->error);
	probe_free(s->binding);
	s->binding = NULL;
	s->next_stun++;
	if (s->round == NULL) {
		enter(s, STATE_DEGRADED, result->error);
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
	probe_free(s->binding);
	s->binding = winner;
	s->binding_asked = false;
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
on_round(void *context, const struct probe_result *result, struct probe *winner)
{
	struct session *s = context;

	drop_round(s);
	if (result->ok) {
		log_debug("STUN server %s answered", probe_server(winner)->name);
		keep_winner(s, winner);
		if (is_keep_alive_elsewhere(s, &result->local))
			replace_keep_alive(s);
		else
			publish(s, result);
		return;
	}
	s->next_stun++;
	if (s->report.state == STATE_OPEN)
		return; /* nobody doubted the address: it was only looked at again */
	enter_doubt_or(s, STATE_BACKOFF, result->error);
	if (s->report.state == STATE_DEGRADED)
		set_timer(s, backoff_seconds(++s->failures));
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
	enter_doubt_or(s, STATE_PROBING, s->report.error);
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

	enter_doubt_or(s, STATE_CONNECTING, s->report.error);
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
	send_report(context);
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
	if (s->report.state != STATE_OPEN) {
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
	if (s->report.state != STATE_OPEN && s->round == NULL && (s->keepalive == NULL || keepalive_is_up(s->keepalive)))
		punch(s);
}

static void
on_again(void *context)
{
	struct session *s = context;

	/* What is under way may come from an address that this machine has no more. */
	drop_round(s);
	if (s->report.state == STATE_OPEN) {
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
	s->serving = serving_new(worker, &s->servers, &from_serving, s);
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
	serving_free(s->serving);
	event_free(s->timer);
	free(s);
}
