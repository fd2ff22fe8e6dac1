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
 * What counts as an answer or a doubt, and what is known to be gone: evidence.c.
 */
#include "session.h"

#include <bsd/stdlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "backoff.h"
#include "change.h"
#include "evidence.h"
#include "log.h"
#include "net.h"
#include "opinion.h"
#include "session_state.h"
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
/* Who watches the NAT for all is never away for longer: seconds. */
#define WATCHER_BACKOFF_MAX 5

enum state
session_state(const struct session *s)
{
	return (enum state)bulletin_report(s->bulletin)->state;
}

bool
session_is_vouched_for(const struct session *s)
{
	return bulletin_is_published(s->bulletin) && !session_is_udp(s) && keeper_vouches(s->keeper, s->confirmed_at);
}

void
session_set_timer(struct session *s, unsigned int seconds)
{
	struct timeval t = {.tv_sec = seconds};

	event_add(s->timer, &t);
}

/* Up to a tenth earlier, so that many mappings don't beat in step. */
void
session_plan_look(struct session *s)
{
	unsigned int usual = s->worker->mapping.stun_interval;
	bool is_early = s->look_pause > 0 && s->look_pause < usual;
	double seconds = (is_early ? s->look_pause : usual) * (1 - arc4random_uniform(100) / 1000.0);
	struct timeval t = {.tv_sec = (time_t)seconds};

	if (is_early)
		s->look_pause *= 2;
	event_add(s->look, &t);
}

void
session_note_interval(struct session *s)
{
	bulletin_set_interval(s->bulletin,
	    session_is_udp(s) ? interval_seconds(&s->interval) : keeper_interval(s->keeper));
}

static unsigned int
backoff_of(const struct session *s)
{
	unsigned int seconds = backoff_seconds(s->failures);

	return s->on_watch && !s->patient && seconds > WATCHER_BACKOFF_MAX ? WATCHER_BACKOFF_MAX : seconds;
}

/* Until servers are asked anew.  Over UDP the questions are what holds the hole meanwhile. */
void
session_set_doubt_timer(struct session *s, unsigned int seconds)
{
	unsigned int most = session_is_udp(s) ? interval_seconds(&s->interval) : seconds;

	session_set_timer(s, seconds < most ? seconds : most);
}

void
session_enter(struct session *s, enum state state, const char *why)
{
	enum state old = session_state(s);

	event_del(s->timer);
	if (state != STATE_BACKOFF)
		s->patient = false;
	if (state != STATE_DEGRADED) {
		s->doubt_since = 0;
		s->in_vain = 0;
	} else if (s->doubt_since <= 0) {
		s->doubt_since = net_now();
	}
	if (state == STATE_OPEN) {
		s->failures = 0;
		if (old != STATE_OPEN || !event_pending(s->look, EV_TIMEOUT, NULL))
			session_plan_look(s);
		session_note_interval(s);
	} else if (state == STATE_DEGRADED) {
		session_set_doubt_timer(s, net_now() - s->doubt_since < LONG_DOUBT_SECONDS ? RETRY_SECONDS : SLOW_RETRY_SECONDS);
	} else if (state == STATE_BACKOFF) {
		bulletin_withdraw(s->bulletin);
		s->failures++;
		session_set_timer(s, backoff_of(s));
	}
	bulletin_enter(s->bulletin, state, why);
}

void
session_drop_round(struct session *s)
{
	round_free(s->round);
	s->round = NULL;
	s->asks_others = s->asks_all_others = false;
	alloc_give_back();
}

void
session_enter_doubt_or(struct session *s, enum state otherwise, const char *why)
{
	session_enter(s, bulletin_is_published(s->bulletin) ? STATE_DEGRADED : otherwise, why);
}

void
session_back_off_patiently(struct session *s, const char *why)
{
	s->patient = true;
	session_enter(s, STATE_BACKOFF, why);
}

void
session_drop_binding(struct session *s)
{
	binding_free(s->binding);
	s->binding = NULL;
}

/* A way out may have an address of this machine of its own: a mapping is of use that belongs
 * to the keep-alive's, or UDP, to the one that is published. */
void
session_ask(struct session *s)
{
	struct addr local = session_is_udp(s) ? bulletin_report(s->bulletin)->inner : keeper_local(s->keeper);

	if (s->round == NULL && s->servers.stun_count > 0)
		s->round = round_start(s->worker, &s->servers, s->next_stun, &local, evidence_take_round, s);
}

void
session_ask_anew(struct session *s)
{
	session_drop_round(s);
	session_ask(s);
}

static void
explain_no_servers(struct session *s, char why[REPORT_ERROR_SIZE])
{
	const char *version = s->worker->mapping.bind.sa.sa_family == AF_INET6 ? "IPv6" : "IPv4";

	if (s->servers.stun_unresolved > 0) {
		session_count(s, CAUSE_NAMES_UNRESOLVED);
		snprintf(why, REPORT_ERROR_SIZE, NO_STUN_SERVER " Tried %u: no name can be resolved", s->servers.stun_unresolved);
	} else {
		snprintf(why, REPORT_ERROR_SIZE, "no %s address of the servers is known yet", version);
	}
}

/* What is still worth to be told while the next try goes on. */
static const char *
last_trouble(const struct session *s)
{
	return session_state(s) == STATE_WAITING ? "" : bulletin_report(s->bulletin)->error;
}

void
session_probe(struct session *s)
{
	session_enter_doubt_or(s, STATE_PROBING, last_trouble(s));
	session_ask(s);
	if (session_state(s) == STATE_PROBING)
		session_set_timer(s, SILENCE_SECONDS);
}

static bool
has_servers(const struct session *s)
{
	return s->servers.stun_count > 0 && (session_is_udp(s) || s->servers.keep_alive_count > 0);
}

static void
on_serving_ready(void *context)
{
	struct session *s = context;
	bool joins = s->serving_joins && session_state(s) == STATE_OPEN;

	s->serving_joins = false;
	if (joins)
		session_ask(s); /* the hole is as it was, but what reaches it may be another thing */
	else
		session_punch(s);
}

static void
on_serving_failed(void *context, const char *why)
{
	struct session *s = context;

	session_count(s, CAUSE_PORT_UNAVAILABLE);
	/* The hole would lead to nobody. */
	session_drop_round(s);
	session_drop_binding(s);
	keeper_drop(s->keeper);
	s->is_held = false;
	session_enter(s, STATE_BACKOFF, why);
}

static void
on_traffic(void *context)
{
	struct session *s = context;

	bulletin_send(s->bulletin);
}

void
session_punch(struct session *s)
{
	char why[REPORT_ERROR_SIZE];

	if (!serving_is_ready(s->serving)) {
		serving_start(s->serving);
		return;
	}
	if (!has_servers(s)) {
		explain_no_servers(s, why);
		session_enter_doubt_or(s, STATE_WAITING, why);
		return;
	}
	if (!session_is_udp(s))
		keeper_connect(s->keeper);
	if (session_is_udp(s) || keeper_is_up(s->keeper) || bulletin_is_published(s->bulletin))
		session_probe(s);
	else if (session_state(s) != STATE_BACKOFF || keeper_is_connecting(s->keeper))
		session_enter(s, STATE_CONNECTING, last_trouble(s));
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
	session_enter(s, STATE_PROBING, why);
}

/* Nobody has been heard since the doubt began. */
static bool
is_gone(struct session *s)
{
	if (s->round != NULL && round_asked_in_vain(s->round) > 0) {
		s->in_vain++;
		session_count(s, CAUSE_STUN_SILENT);
	}
	return !session_is_udp(s) && !keeper_is_live(s->keeper) && s->in_vain >= GONE_AFTER;
}

/* What is being asked goes on, and is no hurry where a connection of before is heard again. */
static void
look_closer(struct session *s)
{
	if (session_is_vouched_for(s) && !addr_is_set(&s->rumour.mapped)) {
		session_enter(s, STATE_OPEN, "");
		return;
	}
	/* Who has answered waits for what others say, which ends soon. */
	if (s->round != NULL && round_asked_in_vain(s->round) == 0) {
		session_set_timer(s, RETRY_SECONDS);
		return;
	}
	if (is_gone(s)) {
		session_drop_round(s);
		session_enter(s, STATE_BACKOFF, "neither a keep-alive server nor a STUN server is heard any more");
		return;
	}
	if (session_is_udp(s) && s->round != NULL && s->in_vain > 0)
		session_enter(s, STATE_DEGRADED, "no STUN server is heard any more"); /* not only the one that kept it alive */
	session_drop_round(s);
	s->next_stun++;
	session_punch(s);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	if (session_state(s) == STATE_PROBING && s->round != NULL)
		say_silence(s);
	else if (session_state(s) == STATE_DEGRADED)
		look_closer(s);
	else
		session_punch(s);
}

/* The server that holds the mapping is asked all the time, and would go on telling what it told: others
 * are, if there are. */
void
session_ask_others(struct session *s, bool all)
{
	const struct addr *holder = &binding_server(s->binding)->addr;
	struct servers others = {0};
	uint32_t i;

	for (i = 0; i < s->servers.stun_count; i++)
		if (!addr_same_ip(&s->servers.stun[i].addr, holder))
			others.stun[others.stun_count++] = s->servers.stun[i];
	if (s->round != NULL || others.stun_count == 0)
		return;
	binding_disturb(s->binding);
	s->asks_others = true;
	s->asks_all_others = all;
	s->round = round_start(s->worker, &others, s->next_stun, &bulletin_report(s->bulletin)->inner,
	    evidence_take_round, s);
	if (all)
		round_ask_all(s->round);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	if (session_state(s) != STATE_OPEN)
		return; /* enter plans the next one */
	if (s->binding != NULL)
		session_ask_others(s, false);
	else
		session_ask(s);
	session_plan_look(s);
}

/* Another mapping lost its hole, or got another address. */
static void
take_hint(struct session *s)
{
	if (session_state(s) == STATE_OPEN && !session_is_udp(s))
		keeper_test(s->keeper);
	if (session_state(s) == STATE_OPEN)
		session_ask_anew(s);
	else if (session_state(s) == STATE_BACKOFF && !s->patient)
		session_punch(s);
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
	session_drop_round(s);
	if (session_state(s) != STATE_OPEN || !serving_is_ready(s->serving) || (!session_is_udp(s) && !keeper_is_up(s->keeper)))
		session_punch(s);
	else
		session_ask(s);
}

static void
on_duty(void *context, const struct duty *duty)
{
	struct session *s = context;

	/* It may be told again: natterd looks whether this worker still reads. */
	if (s->on_watch == (duty->watch != 0))
		return;
	s->on_watch = duty->watch != 0;
	keeper_watch(s->keeper, s->on_watch);
	log_debug(s->on_watch ? "watches the NAT for all" : "watches the NAT at its own pace");
}

struct session *
session_new(struct worker *worker)
{
	static const struct uplink_handlers from_above = {session_change, session_take_servers, on_again, on_duty};
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
	s->keeper = keeper_new(worker, &s->servers, &evidence_from_keeper, s);
	s->bulletin = bulletin_new(worker, &s->servers);
	s->serving = serving_new(worker, &s->servers, bulletin_reach(s->bulletin), &from_serving, s);
	bulletin_set_counters(s->bulletin, serving_counters(s->serving));
	uplink_set_handlers(worker->uplink, &from_above, s);
	session_enter(s, STATE_WAITING, "");
	serving_start(s->serving); /* the servers, which come next, begin the rest */
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
