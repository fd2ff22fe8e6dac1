/* SPDX-License-Identifier: ISC */
/*
 * The state machine; see session.h.
 *
 *     WAITING --servers--> CONNECTING --up--> PROBING --answer--> OPEN
 *                             ^  (TCP only)      |                 |
 *                             |                failed        doubt | ^ answer
 *                             +--- BACKOFF <-----+                 v |
 *                                     ^------ known to be gone -- DEGRADED
 *
 * A published address stands until there is evidence against it: two STUN servers that
 * see another one (or one, if nothing else vouches for the old one), a silence of both the
 * keep-alive and the STUN servers, no way out of this machine, or, unless the keep-alive
 * lives, STUN servers that see different addresses (a symmetric NAT).  A failing STUN
 * server is none.
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
#include "net.h"
#include "opinion.h"
#include "round.h"
#include "serving.h"
#include "uplink.h"

/* Probing without an answer for so long is worth a word. */
#define SILENCE_SECONDS 3
/* In doubt servers are asked anew after this, so that the end of an outage is noticed at
 * once; and after this, once the doubt has lasted. */
#define RETRY_SECONDS 2
#define SLOW_RETRY_SECONDS 8
#define LONG_DOUBT_SECONDS 30
/* So many of these questions in vain, and nothing heard on the keep-alive either: gone. */
#define GONE_AFTER 3
/* Where connections of before have not ended yet, a try sends nothing. */
#define BLOCKED_RETRY_SECONDS 1
/* Who watches the NAT for all is never away for longer: seconds. */
#define WATCHER_BACKOFF_MAX 5

struct session {
	struct worker *worker;
	struct servers servers;
	struct bulletin *bulletin;
	struct event *timer; /* the end of a pause */
	struct event *look;  /* TCP, open: when the address is looked at again */
	struct serving *serving;
	struct keeper *keeper;   /* TCP: what holds the mapping */
	struct binding *binding; /* UDP: the same, or NULL */
	struct interval interval; /* that was learned, UDP */
	struct round *round;     /* servers being asked now, or NULL */
	unsigned int next_stun;  /* counter round the list of servers */
	unsigned int failures;   /* tries since the last success */
	unsigned int in_vain;    /* questions since the doubt began */
	double confirmed_at;     /* when servers last saw the published address, on the monotonic clock */
	double doubt_since;      /* on the monotonic clock; 0: no doubt */
	bool on_watch;
	bool patient;   /* the pause is not for lack of a network: only its end ends it */
	bool is_held;   /* TCP: there was a connection when the keeper was last heard */
	struct { /* what one server alone sees, and nobody else has said yet */
		struct addr mapped;
		struct addr server;
	} rumour;
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

/* Does something else than STUN servers vouch for what is published? */
static bool
is_vouched_for(const struct session *s)
{
	return bulletin_is_published(s->bulletin) && !is_udp(s) && keeper_vouches(s->keeper, s->confirmed_at);
}

static void
set_timer(struct session *s, unsigned int seconds)
{
	struct timeval t = {.tv_sec = seconds};

	event_add(s->timer, &t);
}

/* Up to a tenth earlier, so that many mappings don't beat in step. */
static void
plan_look(struct session *s)
{
	double seconds = s->worker->mapping.stun_interval * (1 - arc4random_uniform(100) / 1000.0);
	struct timeval t = {.tv_sec = (time_t)seconds};

	if (!is_udp(s))
		event_add(s->look, &t);
}

static unsigned int
backoff_of(const struct session *s)
{
	unsigned int seconds = backoff_seconds(s->failures);

	return s->on_watch && !s->patient && seconds > WATCHER_BACKOFF_MAX ? WATCHER_BACKOFF_MAX : seconds;
}

/* Until servers are asked anew.  Over UDP the questions are what holds the hole meanwhile. */
static void
set_doubt_timer(struct session *s, unsigned int seconds)
{
	unsigned int most = is_udp(s) ? interval_seconds(&s->interval) : seconds;

	set_timer(s, seconds < most ? seconds : most);
}

/* The one way into a state: its entry action and its timer. */
static void
enter(struct session *s, enum state state, const char *why)
{
	event_del(s->timer);
	if (state != STATE_BACKOFF)
		s->patient = false;
	if (state != STATE_DEGRADED)
		s->doubt_since = s->in_vain = 0;
	else if (s->doubt_since <= 0)
		s->doubt_since = net_now();
	if (state == STATE_OPEN) {
		s->failures = 0;
		plan_look(s);
		bulletin_set_interval(s->bulletin,
		    is_udp(s) ? interval_seconds(&s->interval) : keeper_interval(s->keeper));
	} else if (state == STATE_DEGRADED) {
		set_doubt_timer(s, net_now() - s->doubt_since < LONG_DOUBT_SECONDS ? RETRY_SECONDS : SLOW_RETRY_SECONDS);
	} else if (state == STATE_BACKOFF) {
		bulletin_withdraw(s->bulletin);
		s->failures++;
		set_timer(s, backoff_of(s));
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

/* What nobody can help by trying again soon. */
static void
back_off_patiently(struct session *s, const char *why)
{
	s->patient = true;
	enter(s, STATE_BACKOFF, why);
}

static void
drop_binding(struct session *s)
{
	binding_free(s->binding);
	s->binding = NULL;
}

/* The hole that was held is another's by now, or nobody's. */
static void
note_move(struct session *s)
{
	bulletin_count_loss(s->bulletin);
	if (is_udp(s))
		return;
	keeper_note_hole_lost(s->keeper);
	keeper_renew(s->keeper);
	s->is_held = false;
}

static void
publish(struct session *s, const struct probe_result *result)
{
	const struct report *r = bulletin_report(s->bulletin);

	if (bulletin_is_published(s->bulletin) && !addr_equal(&r->outer, &result->mapped))
		note_move(s);
	else if (!is_udp(s))
		keeper_clear_doubt(s->keeper);
	s->confirmed_at = net_now();
	s->rumour.mapped = (struct addr){0};
	bulletin_publish(s->bulletin, result);
	if (is_udp(s) || keeper_is_up(s->keeper))
		enter(s, STATE_OPEN, "");
	else
		enter(s, STATE_DEGRADED, r->state == STATE_DEGRADED ? r->error : "the keep-alive is being made anew");
	s->in_vain = 0;
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
	s->rumour.mapped = result->mapped;
	s->rumour.server = *binding_server(s->binding);
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
keep_winner(struct session *s, struct probe *winner, const struct addr *seen)
{
	static const struct binding_handlers handlers = {on_binding_answer, on_binding_silence, on_binding_lost};
	struct binding_memory memory = {&s->interval, serving_counters(s->serving)};

	if (!is_udp(s)) {
		probe_free(winner);
		return;
	}
	drop_binding(s);
	s->binding = binding_start(s->worker, winner, seen, &memory, &handlers, s);
}

/* Nobody would keep open what the STUN servers have just seen.  After a change of this
 * machine's address a new connection has the new one, too. */
static void
replace_keep_alive(struct session *s)
{
	keeper_drop(s->keeper);
	s->is_held = false;
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
	keeper_drop(s->keeper);
	s->is_held = false;
	s->next_stun++;
	if (all)
		back_off_patiently(s, why);
	else
		enter_doubt_or(s, STATE_BACKOFF, why);
}

/* One server alone sees another address than the one that is published: is there anything
 * else that speaks for it? */
static bool
is_backed(const struct session *s, const struct addr *mapped, const struct addr *server)
{
	uint32_t i;

	if (!is_udp(s) && !keeper_vouches(s->keeper, s->confirmed_at))
		return true;
	if (!addr_is_set(&s->rumour.mapped) || !addr_equal(&s->rumour.mapped, mapped))
		return false;
	if (is_udp(s) || !addr_same_ip(&s->rumour.server, server))
		return true; /* nothing else speaks for the old one, or two speak for the new one */
	for (i = 0; i < s->servers.stun_count; i++)
		if (!addr_same_ip(&s->servers.stun[i].addr, server))
			return false;
	return true; /* there is no other, and it insists */
}

static void
take_rumour(struct session *s, const struct probe_result *result, const struct addr *server)
{
	log_debug("one STUN server alone sees another address: asking others");
	s->rumour.mapped = result->mapped;
	s->rumour.server = *server;
	s->next_stun++;
	enter(s, STATE_DEGRADED, "a STUN server sees another address");
}

static void
take_address(struct session *s, const struct probe_result *result, struct probe *winner)
{
	enum keeper_place place = keeper_judge_place(s->keeper, &result->local);
	bool has_nat = !addr_equal(&result->local, &result->mapped); /* and so something to hold open */

	log_debug("STUN server %s answered", probe_server(winner)->name);
	keep_winner(s, winner, &result->mapped);
	if (place == KEEPER_STALE)
		replace_keep_alive(s);
	else if (place != KEEPER_HERE && has_nat)
		leave_keep_alive(s, &result->local, place == KEEPER_ALL_ASTRAY);
	else
		publish(s, result);
}

static void
take_lone_address(struct session *s, const struct probe_result *result, struct probe *winner)
{
	const struct addr *server = &probe_server(winner)->addr;
	const struct report *r = bulletin_report(s->bulletin);

	if (!bulletin_is_published(s->bulletin) || addr_equal(&r->outer, &result->mapped) ||
	    is_backed(s, &result->mapped, server)) {
		take_address(s, result, winner);
		return;
	}
	take_rumour(s, result, server);
	probe_free(winner);
}

/* Nothing new is known; what is published stands, and the next try comes by itself. */
static void
take_unclear(struct session *s, const char *why)
{
	s->next_stun++;
	if (is_vouched_for(s))
		enter(s, STATE_OPEN, "");
	else
		enter_doubt_or(s, STATE_BACKOFF, why);
}

/* The same for servers that answered, and would say the same if they were asked at once. */
static void
take_disagreement(struct session *s, const char *why)
{
	take_unclear(s, why);
	if (state_of(s) == STATE_DEGRADED)
		set_doubt_timer(s, backoff_seconds(++s->failures));
}

/* An address that only one server can use is no address to publish.  But two servers of which
 * one lies look the same. */
static void
take_symmetric(struct session *s, bool is_still_seen, const char *why)
{
	if (is_vouched_for(s) || (is_still_seen && bulletin_try_again(s->bulletin))) {
		take_disagreement(s, why);
		return;
	}
	drop_binding(s);
	s->next_stun++;
	back_off_patiently(s, why);
}

static void
take_failure(struct session *s, const char *why)
{
	if (state_of(s) == STATE_OPEN) {
		s->next_stun++; /* nobody doubted the address: it was only looked at again */
		return;
	}
	s->in_vain++;
	take_unclear(s, why);
}

/* Nothing leaves this machine, so nothing holds a hole. */
static void
take_no_way(struct session *s, const char *why)
{
	drop_binding(s);
	s->next_stun++;
	enter(s, STATE_BACKOFF, why);
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
	case ROUND_LONE:
		take_lone_address(s, &r, winner);
		break;
	case ROUND_SYMMETRIC:
		take_symmetric(s, is_still_seen, r.error);
		break;
	case ROUND_UNCLEAR:
		take_disagreement(s, r.error);
		break;
	case ROUND_FAILED:
		take_failure(s, r.error);
		break;
	case ROUND_NO_WAY:
		take_no_way(s, r.error);
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

/* What was answered so far was before something happened. */
static void
ask_anew(struct session *s)
{
	drop_round(s);
	ask_servers(s);
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
	struct session *s = context;

	s->is_held = true;
	/* A pause with a good reason ends by itself: a server that closes after each answer
	 * must not cut it short. */
	if (state_of(s) == STATE_BACKOFF && s->patient)
		return;
	drop_round(s);
	probe_now(s);
}

static void
on_keep_alive_doubt(void *context, const char *reason)
{
	struct session *s = context;

	if (!bulletin_is_published(s->bulletin))
		return; /* servers are being asked, or will be */
	if (!is_vouched_for(s))
		enter(s, STATE_DEGRADED, reason);
	ask_anew(s);
}

static void
on_keep_alive_heard(void *context)
{
	struct session *s = context;

	if (addr_is_set(&s->rumour.mapped) || state_of(s) == STATE_OPEN || s->patient)
		return;
	if (is_vouched_for(s)) {
		enter(s, STATE_OPEN, "");
		return;
	}
	/* Whoever was asked in the silence may answer late. */
	drop_round(s);
	punch(s);
}

/* The hole may outlive its keep-alive, and what STUN servers are asked holds it meanwhile. */
static void
take_loss(struct session *s, const char *reason)
{
	enter(s, STATE_DEGRADED, reason);
	if (!s->is_held)
		return; /* an attempt failed, which tells nothing new */
	s->is_held = false;
	bulletin_count_loss(s->bulletin);
	ask_anew(s);
}

static void
on_keep_alive_lost(void *context, const char *reason, enum keeper_loss loss)
{
	struct session *s = context;

	if (loss == KEEPER_NO_WAY || (loss != KEEPER_TRYING && !bulletin_is_published(s->bulletin))) {
		s->is_held = s->patient = false;
		drop_round(s);
		enter(s, STATE_BACKOFF, reason);
		if (loss == KEEPER_BLOCKED)
			set_timer(s, BLOCKED_RETRY_SECONDS);
	} else if (bulletin_is_published(s->bulletin)) {
		take_loss(s, reason);
	} else if (state_of(s) != STATE_BACKOFF) {
		drop_round(s);
		enter(s, STATE_CONNECTING, reason);
	}
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
	struct session *s = context;

	/* The hole would lead to nobody. */
	drop_round(s);
	drop_binding(s);
	keeper_drop(s->keeper);
	s->is_held = false;
	enter(s, STATE_BACKOFF, why);
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
		return;
	}
	if (!has_servers(s)) {
		explain_no_servers(s, why);
		enter_doubt_or(s, STATE_WAITING, why);
		return;
	}
	if (!is_udp(s))
		keeper_connect(s->keeper);
	if (is_udp(s) || keeper_is_up(s->keeper) || bulletin_is_published(s->bulletin))
		probe_now(s);
	else if (state_of(s) != STATE_BACKOFF || keeper_is_connecting(s->keeper))
		enter(s, STATE_CONNECTING, last_trouble(s));
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

/* Nobody has been heard since the doubt began. */
static bool
is_gone(struct session *s)
{
	if (s->round != NULL && round_asked_in_vain(s->round) > 0)
		s->in_vain++;
	return !is_udp(s) && !keeper_is_live(s->keeper) && s->in_vain >= GONE_AFTER;
}

/* What is being asked goes on, and is no hurry where a connection of before is heard again. */
static void
look_closer(struct session *s)
{
	if (is_vouched_for(s) && !addr_is_set(&s->rumour.mapped)) {
		enter(s, STATE_OPEN, "");
		return;
	}
	/* Who has answered waits for what others say, which ends soon. */
	if (s->round != NULL && round_asked_in_vain(s->round) == 0) {
		set_timer(s, RETRY_SECONDS);
		return;
	}
	if (is_gone(s)) {
		drop_round(s);
		enter(s, STATE_BACKOFF, "neither a keep-alive server nor a STUN server is heard any more");
		return;
	}
	drop_round(s);
	s->next_stun++;
	punch(s);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	if (state_of(s) == STATE_PROBING && s->round != NULL)
		say_silence(s);
	else if (state_of(s) == STATE_DEGRADED)
		look_closer(s);
	else
		punch(s);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	if (state_of(s) != STATE_OPEN)
		return; /* enter plans the next one */
	ask_servers(s);
	plan_look(s);
}

static bool
is_same_list(const struct server *a, uint32_t a_count, const struct server *b, uint32_t b_count)
{
	uint32_t i;

	for (i = 0; i < a_count && a_count == b_count; i++)
		if (!addr_equal(&a[i].addr, &b[i].addr))
			return false;
	return a_count == b_count;
}

/* That one of them failed for somebody is no news that a pause would end for. */
static void
on_servers(void *context, const struct servers *servers)
{
	struct session *s = context;
	const struct servers *old = &s->servers;
	bool is_news = !is_same_list(old->stun, old->stun_count, servers->stun, servers->stun_count) ||
		       !is_same_list(old->keep_alive, old->keep_alive_count, servers->keep_alive, servers->keep_alive_count);

	s->servers = *servers;
	reach_note_servers(bulletin_reach(s->bulletin));
	if (state_of(s) == STATE_WAITING || (state_of(s) == STATE_BACKOFF && is_news))
		punch(s);
	else if (!is_udp(s) && keeper_is_up(s->keeper))
		keeper_connect(s->keeper); /* a second connection may be possible now */
}

/* Another mapping lost its hole, or got another address. */
static void
take_hint(struct session *s)
{
	if (state_of(s) == STATE_OPEN && !is_udp(s))
		keeper_test(s->keeper);
	if (state_of(s) == STATE_OPEN)
		ask_anew(s);
	else if (state_of(s) == STATE_BACKOFF && !s->patient)
		punch(s);
}

static void
on_again(void *context, enum again_reason reason)
{
	struct session *s = context;

	if (reason == AGAIN_NEIGHBOUR) {
		take_hint(s);
		return;
	}
	bulletin_look_again(s->bulletin);
	keeper_look_again(s->keeper);
	serving_look_again(s->serving);
	/* What is under way may come from an address that this machine has no more. */
	drop_round(s);
	if (state_of(s) != STATE_OPEN || !serving_is_ready(s->serving) || (!is_udp(s) && !keeper_is_up(s->keeper)))
		punch(s);
	else
		ask_servers(s);
}

static void
on_duty(void *context, const struct duty *duty)
{
	struct session *s = context;

	s->on_watch = duty->watch != 0;
	keeper_watch(s->keeper, s->on_watch);
	log_debug(s->on_watch ? "watches the NAT for all" : "watches the NAT at its own pace");
}

struct session *
session_new(struct worker *worker)
{
	static const struct uplink_handlers from_above = {on_servers, on_again, on_duty};
	static const struct keeper_handlers from_keeper = {on_keep_alive_up, on_keep_alive_doubt, on_keep_alive_heard,
	    on_keep_alive_lost};
	static const struct serving_handlers from_serving = {on_serving_ready, on_serving_failed, on_traffic};
	struct session *s = alloc_zero(sizeof(*s));

	s->worker = worker;
	interval_init(&s->interval, worker->mapping.keep_alive_shortest, worker->mapping.keep_alive_longest, net_now());
	s->timer = event_new(worker->base, -1, 0, on_timer, s);
	s->look = event_new(worker->base, -1, 0, on_look, s);
	if (s->timer == NULL || s->look == NULL)
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
	event_free(s->look);
	free(s);
}
