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
 * the keep-alive towards every server does, a fresh answer, STUN servers that see
 * different addresses (a symmetric NAT: BACKOFF), or keep-alives that all leave from
 * another address of this machine than what STUN servers see.
 */
#include "session.h"

#include <bsd/stdlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "backoff.h"
#include "binding.h"
#include "bulletin.h"
#include "keeper.h"
#include "log.h"
#include "opinion.h"
#include "round.h"
#include "serving.h"
#include "uplink.h"

/* Probing without an answer for so long is worth a word. */
#define SILENCE_SECONDS 3

struct session {
	struct worker *worker;
	struct servers servers;
	struct bulletin *bulletin;
	struct event *timer; /* the end of a pause */
	struct serving *serving;
	struct keeper *keeper;   /* TCP: what holds the mapping */
	struct binding *binding; /* UDP: the same, or NULL */
	struct round *round;     /* servers being asked now, or NULL */
	unsigned int next_stun;  /* counter round the list of servers */
	unsigned int failures;   /* tries since the last success */
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

/* The one way into a state: its entry action and its timer. */
static void
enter(struct session *s, enum state state, const char *why)
{
	event_del(s->timer);
	if (state == STATE_OPEN) {
		s->failures = 0;
	} else if (state == STATE_BACKOFF) {
		bulletin_withdraw(s->bulletin);
		set_timer(s, backoff_seconds(++s->failures));
	}
	bulletin_enter(s->bulletin, state, why);
}

static void
drop_round(struct session *s)
{
	round_free(s->round);
	s->round = NULL;
}

/* While the outer address is published, trouble is a doubt, not the end. */
static void
enter_doubt_or(struct session *s, enum state otherwise, const char *why)
{
	enter(s, bulletin_is_published(s->bulletin) ? STATE_DEGRADED : otherwise, why);
}

/* Nothing new is known; what is published stands, and the next try comes by itself. */
static void
enter_pause(struct session *s, const char *why)
{
	enter_doubt_or(s, STATE_BACKOFF, why);
	if (state_of(s) == STATE_DEGRADED)
		set_timer(s, backoff_seconds(++s->failures));
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
	binding_free(s->binding);
	s->binding = NULL;
}

/* The address still stands, but others have to say so. */
static void
doubt(struct session *s, const char *why)
{
	s->next_stun++;
	if (s->round != NULL && state_of(s) != STATE_OPEN)
		return; /* they are being asked */
	enter(s, STATE_DEGRADED, why);
	ask_servers(s);
}

/* That a server sees another address than before is only believed if others do. */
static void
on_binding_answer(void *context, const struct probe_result *result)
{
	struct session *s = context;

	if (addr_equal(&result->mapped, &bulletin_report(s->bulletin)->outer)) {
		if (bulletin_is_on_trial(s->bulletin))
			return; /* this server's mapping may be one of its own */
		drop_round(s);
		publish(s, result);
		return;
	}
	drop_binding(s);
	doubt(s, "a STUN server sees another address");
}

static void
on_binding_silence(void *context)
{
	doubt(context, "the STUN server that kept the mapping alive is silent");
}

static void
on_binding_lost(void *context, const char *reason)
{
	drop_binding(context);
	doubt(context, reason);
}

static void
keep_winner(struct session *s, struct probe *winner)
{
	static const struct binding_handlers handlers = {on_binding_answer, on_binding_silence, on_binding_lost};

	if (!is_udp(s)) {
		probe_free(winner);
		return;
	}
	drop_binding(s);
	s->binding = binding_start(s->worker, winner, &handlers, s);
}

/* Nobody would keep open what the STUN servers have just seen.  After a change of this
 * machine's address a new connection has the new one, too. */
static void
replace_keep_alive(struct session *s)
{
	keeper_drop(s->keeper);
	enter_doubt_or(s, STATE_CONNECTING, "the keep-alive has another address of this machine");
	punch(s);
}

/* A new one has it again: the way to this web server has an address of its own, and another
 * web server may be on the right way.  all: none is. */
static void
leave_keep_alive(struct session *s, const struct addr *local, bool all)
{
	char why[REPORT_ERROR_SIZE];

	keeper_explain_astray(s->keeper, local, why, sizeof(why));
	keeper_skip(s->keeper);
	s->next_stun++;
	if (all)
		enter(s, STATE_BACKOFF, why);
	else
		enter_pause(s, why);
}

static void
take_address(struct session *s, const struct probe_result *result, struct probe *winner)
{
	enum keeper_place place = keeper_judge_place(s->keeper, &result->local);
	bool has_nat = !addr_equal(&result->local, &result->mapped); /* and so something to hold open */

	log_debug("STUN server %s answered", probe_server(winner)->name);
	keep_winner(s, winner);
	if (place == KEEPER_STALE)
		replace_keep_alive(s);
	else if (place != KEEPER_HERE && has_nat)
		leave_keep_alive(s, &result->local, place == KEEPER_ALL_ASTRAY);
	else
		publish(s, result);
}

static void
take_unclear(struct session *s, const char *why)
{
	s->next_stun++;
	enter_pause(s, why);
}

/* An address that only one server can use is no address to publish.  But two servers of which
 * one lies look the same. */
static void
take_symmetric(struct session *s, bool is_still_seen, const char *why)
{
	if (is_still_seen && bulletin_try_again(s->bulletin)) {
		take_unclear(s, why);
		return;
	}
	drop_binding(s);
	s->next_stun++;
	enter(s, STATE_BACKOFF, why);
}

static void
take_failure(struct session *s, const char *why)
{
	if (state_of(s) == STATE_OPEN)
		s->next_stun++; /* nobody doubted the address: it was only looked at again */
	else
		take_unclear(s, why);
}

static void
on_round(void *context, enum round_outcome outcome, const struct probe_result *result, struct probe *winner)
{
	struct session *s = context;
	struct probe_result r = *result; /* it goes with the round */
	bool is_still_seen = round_saw(s->round, &bulletin_report(s->bulletin)->outer);

	drop_round(s);
	switch (outcome) {
	case ROUND_OK:
		take_address(s, &r, winner);
		break;
	case ROUND_SYMMETRIC:
		take_symmetric(s, is_still_seen, r.error);
		break;
	case ROUND_UNCLEAR:
		take_unclear(s, r.error);
		break;
	case ROUND_FAILED:
		take_failure(s, r.error);
		break;
	}
}

/* A way out may have an address of this machine of its own: a mapping is of use that belongs
 * to the keep-alive's, or UDP, to the one that is published. */
static void
ask_servers(struct session *s)
{
	struct addr local = is_udp(s) ? bulletin_report(s->bulletin)->inner : keeper_local(s->keeper);

	if (s->round == NULL && s->servers.stun_count > 0)
		s->round = round_start(s->worker, &s->servers, s->next_stun, &local, on_round, s);
}

static void
explain_no_servers(const struct session *s, char why[REPORT_ERROR_SIZE])
{
	const char *version = s->worker->mapping.bind.sa.sa_family == AF_INET6 ? "IPv6" : "IPv4";

	if (s->servers.stun_unresolved > 0)
		snprintf(why, REPORT_ERROR_SIZE, NO_STUN_SERVER " Tried %u: no name can be resolved", s->servers.stun_unresolved);
	else
		snprintf(why, REPORT_ERROR_SIZE, "no %s address of the servers is known yet", version);
}

/* What is still worth to be told while the next try goes on. */
static const char *
last_trouble(const struct session *s)
{
	return state_of(s) == STATE_WAITING ? "" : bulletin_report(s->bulletin)->error;
}

static void
probe_now(struct session *s)
{
	enter_doubt_or(s, STATE_PROBING, last_trouble(s));
	ask_servers(s);
	if (state_of(s) == STATE_PROBING)
		set_timer(s, SILENCE_SECONDS);
}

static void
on_keep_alive_up(void *context)
{
	probe_now(context);
}

static void
on_keep_alive_lost(void *context, const char *reason, bool all)
{
	struct session *s = context;

	drop_round(s);
	if (all)
		enter(s, STATE_BACKOFF, reason);
	else if (state_of(s) != STATE_BACKOFF)
		enter_doubt_or(s, STATE_CONNECTING, reason);
}

/* A pause ends by itself: a server that closes after each answer must not cut it short. */
static void
on_keep_alive_next(void *context)
{
	if (state_of(context) != STATE_BACKOFF)
		punch(context);
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
	char why[REPORT_ERROR_SIZE];

	if (!serving_is_ready(s->serving)) {
		serving_start(s->serving);
	} else if (!has_servers(s)) {
		explain_no_servers(s, why);
		enter_doubt_or(s, STATE_WAITING, why);
	} else if (!is_udp(s) && !keeper_is_up(s->keeper)) {
		enter_doubt_or(s, STATE_CONNECTING, last_trouble(s));
		keeper_connect(s->keeper);
	} else {
		probe_now(s);
	}
}

/* Before the first try has failed, which takes the servers' silence 39.5 s. */
static void
say_silence(struct session *s)
{
	unsigned int asked = round_asked_in_vain(s->round);
	char why[REPORT_ERROR_SIZE];

	if (asked == 0 || s->failures > 0)
		return;
	snprintf(why, sizeof(why), "no answer yet from %u STUN server%s", asked, asked == 1 ? "" : "s");
	enter(s, STATE_PROBING, why);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	if (state_of(s) == STATE_PROBING && s->round != NULL)
		say_silence(s);
	else
		punch(s);
}

static void
on_servers(void *context, const struct servers *servers)
{
	struct session *s = context;

	s->servers = *servers;
	reach_note_servers(bulletin_reach(s->bulletin));
	if (state_of(s) != STATE_OPEN && s->round == NULL && !keeper_is_connecting(s->keeper))
		punch(s);
}

static void
on_again(void *context, enum again_reason reason)
{
	struct session *s = context;

	(void)reason;
	bulletin_look_again(s->bulletin);
	keeper_look_again(s->keeper);
	/* What is under way may come from an address that this machine has no more. */
	drop_round(s);
	if (state_of(s) == STATE_OPEN) {
		ask_servers(s);
		return;
	}
	if (!keeper_is_up(s->keeper))
		keeper_drop(s->keeper);
	punch(s);
}

static void
on_duty(void *context, const struct duty *duty)
{
	(void)context;
	(void)duty;
}

struct session *
session_new(struct worker *worker)
{
	static const struct uplink_handlers from_above = {on_servers, on_again, on_duty};
	static const struct keeper_handlers from_keeper = {on_keep_alive_up, on_keep_alive_lost, on_keep_alive_next};
	static const struct serving_handlers from_serving = {on_serving_ready, on_serving_failed, on_traffic};
	struct session *s = alloc_zero(sizeof(*s));

	s->worker = worker;
	s->timer = event_new(worker->base, -1, 0, on_timer, s);
	if (s->timer == NULL)
		fatal("out of memory");
	/* Many mappings share the list: they begin at different servers. */
	s->next_stun = arc4random_uniform(SERVERS_MAX);
	s->keeper = keeper_new(worker, &s->servers, &from_keeper, s);
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
	keeper_free(s->keeper);
	round_free(s->round);
	binding_free(s->binding);
	bulletin_free(s->bulletin); /* it may give connections back */
	serving_free(s->serving);
	event_free(s->timer);
	free(s);
}
