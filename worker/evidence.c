/* SPDX-License-Identifier: ISC */
/*
 * Whom a session believes; see evidence.h.
 *
 * A published address stands until there is evidence against it: two STUN servers that
 * see another one (or one, if nothing else vouches for the old one), a silence of both the
 * keep-alive and the STUN servers, no way out of this machine, or, unless the keep-alive
 * lives, STUN servers that see different addresses (a symmetric NAT).  A failing STUN
 * server is none.
 */
#include "evidence.h"

#include "backoff.h"
#include "log.h"
#include "net.h"
#include "session_state.h"
#include "uplink.h"

/* Where connections of before have not ended yet, a try sends nothing: seconds. */
#define BLOCKED_RETRY_SECONDS 1

/* One server alone sees an address that is published: others are asked soon, and then less and less often. */
#define LONE_LOOK_SECONDS 5

/* UDP: what the rumour that turned out to be true teaches. */
static void
learn_loss(struct session *s, const struct addr *mapped)
{
	double idle = s->rumour.lost_idle;

	if (idle <= 0 || !addr_equal(&s->rumour.mapped, mapped) || !interval_lost(&s->interval, idle, net_now()))
		return;
	log_debug("after %.1f s of silence: the interval is now %u s", idle, interval_seconds(&s->interval));
	if (s->binding != NULL)
		binding_change_interval(s->binding); /* it has just begun */
}

/* The hole that was held is another's by now, or nobody's. */
static void
note_move(struct session *s, const struct addr *mapped)
{
	bulletin_count_loss(s->bulletin);
	if (session_is_udp(s)) {
		learn_loss(s, mapped);
		return;
	}
	keeper_note_hole_lost(s->keeper);
	keeper_renew(s->keeper);
	s->is_held = false;
}

static void
publish(struct session *s, const struct probe_result *result)
{
	const struct report *r = bulletin_report(s->bulletin);

	if (bulletin_is_published(s->bulletin) && !addr_equal(&r->outer, &result->mapped))
		note_move(s, &result->mapped);
	else if (!session_is_udp(s))
		keeper_clear_doubt(s->keeper);
	s->confirmed_at = net_now();
	s->rumour.mapped = (struct addr){0};
	bulletin_publish(s->bulletin, result);
	if (session_is_udp(s) || keeper_is_up(s->keeper))
		session_enter(s, STATE_OPEN, "");
	else
		session_enter(s, STATE_DEGRADED, r->state == STATE_DEGRADED ? r->error : "the keep-alive is being made anew");
	s->in_vain = 0;
}

/* The address still stands, but others have to say so. */
static void
doubt(struct session *s, const char *why)
{
	s->next_stun++;
	if (s->round != NULL && session_state(s) != STATE_OPEN)
		return; /* they are being asked */
	session_enter(s, STATE_DEGRADED, why);
	session_ask(s);
}

/* That a server sees another address than before is only believed if others do. */
static void
on_binding_answer(void *context, const struct probe_result *result, double lost_idle)
{
	struct session *s = context;

	if (addr_equal(&result->mapped, &bulletin_report(s->bulletin)->outer)) {
		if (bulletin_is_on_trial(s->bulletin))
			return; /* this server's mapping may be one of its own */
		if (!s->asks_others)
			session_drop_round(s);
		publish(s, result);
		return;
	}
	s->rumour.mapped = result->mapped;
	s->rumour.server = binding_server(s->binding)->addr;
	s->rumour.lost_idle = lost_idle;
	session_drop_binding(s);
	doubt(s, "a STUN server sees another address");
}

static void
on_binding_silence(void *context)
{
	session_count(context, CAUSE_STUN_SILENT);
	doubt(context, "the STUN server that kept the mapping alive is silent");
}

static void
on_binding_lost(void *context, const char *reason)
{
	session_drop_binding(context);
	doubt(context, reason);
}

static void
keep_winner(struct session *s, struct probe *winner, const struct addr *seen)
{
	static const struct binding_handlers handlers = {on_binding_answer, on_binding_silence, on_binding_lost};
	struct binding_memory memory = {&s->interval, serving_counters(s->serving)};

	if (!session_is_udp(s)) {
		probe_free(winner);
		return;
	}
	session_drop_binding(s);
	s->binding = binding_start(s->worker, winner, seen, &memory, &handlers, s);
}

/* Nobody would keep open what the STUN servers have just seen.  After a change of this
 * machine's address a new connection has the new one, too. */
static void
replace_keep_alive(struct session *s)
{
	keeper_drop(s->keeper);
	s->is_held = false;
	session_enter_doubt_or(s, STATE_CONNECTING, "the keep-alive has another address of this machine");
	session_punch(s);
}

/* A new one has it again: the way to this web server has an address of its own, and another
 * web server may be on the right way.  all: none is. */
static void
leave_keep_alive(struct session *s, const struct addr *local, bool all)
{
	char why[REPORT_ERROR_SIZE];

	session_count(s, CAUSE_ADDRESS_MISMATCH);
	keeper_explain_astray(s->keeper, local, why, sizeof(why));
	keeper_drop(s->keeper);
	s->is_held = false;
	s->next_stun++;
	if (all)
		session_back_off_patiently(s, why);
	else
		session_enter_doubt_or(s, STATE_BACKOFF, why);
}

static void
look_soon(struct session *s)
{
	s->look_pause = LONE_LOOK_SECONDS;
	event_del(s->look); /* it is planned anew */
}

static bool
has_others(const struct session *s, const struct addr *server)
{
	uint32_t i;

	for (i = 0; i < s->servers.stun_count; i++)
		if (!addr_same_ip(&s->servers.stun[i].addr, server))
			return true;
	return false;
}

/* One server alone sees another address than the one that is published: is there anything
 * else that speaks for it? */
static bool
is_backed(const struct session *s, const struct addr *mapped, const struct addr *server)
{
	if (!session_is_udp(s) && !session_is_vouched_for(s))
		return true;
	if (!addr_is_set(&s->rumour.mapped) || !addr_equal(&s->rumour.mapped, mapped))
		return false;
	if (session_is_udp(s) || !addr_same_ip(&s->rumour.server, server))
		return true; /* nothing else speaks for the old one, or two speak for the new one */
	return !has_others(s, server); /* there is none, and it insists */
}

static void
take_rumour(struct session *s, const struct probe_result *result, const struct addr *server)
{
	log_debug("one STUN server alone sees another address: asking others");
	s->rumour.mapped = result->mapped;
	s->rumour.server = *server;
	s->rumour.lost_idle = 0;
	s->next_stun++;
	session_enter(s, STATE_DEGRADED, "a STUN server sees another address");
	session_set_doubt_timer(s, backoff_seconds(++s->failures));
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
		if (!addr_equal(&r->outer, &result->mapped) && has_others(s, server))
			look_soon(s);
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
	if (session_is_vouched_for(s))
		session_enter(s, STATE_OPEN, "");
	else
		session_enter_doubt_or(s, STATE_BACKOFF, why);
}

/* The same for servers that answered, and would say the same if they were asked at once. */
static void
take_disagreement(struct session *s, const char *why)
{
	take_unclear(s, why);
	if (session_state(s) == STATE_DEGRADED)
		session_set_doubt_timer(s, backoff_seconds(++s->failures));
}

/* An address that only one server can use is no address to publish.  But two servers of which
 * one lies look the same. */
static void
take_symmetric(struct session *s, bool is_still_seen, const char *why)
{
	if (session_is_vouched_for(s) || (is_still_seen && bulletin_try_again(s->bulletin))) {
		take_disagreement(s, why);
		return;
	}
	session_drop_binding(s);
	s->next_stun++;
	session_back_off_patiently(s, why);
}

static void
take_failure(struct session *s, const char *why)
{
	if (session_state(s) == STATE_OPEN) {
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
	if (session_is_vouched_for(s)) {
		take_failure(s, why); /* these servers alone are out of reach */
		return;
	}
	session_drop_binding(s);
	s->next_stun++;
	session_enter(s, STATE_BACKOFF, why);
}

/* The server that holds the mapping saw the address just now.  If another one does, too, there are two for it,
 * as many as against it: so it is behind a NAT that has several addresses, one for each way out.  Only if none
 * does, of all that there are, two that agree on another one count against it; and against a server that
 * nobody has backed yet, even one. */
static bool
settles_look(struct session *s, enum round_outcome outcome, const struct probe_result *result, bool is_still_seen)
{
	bool is_same = (outcome == ROUND_OK || outcome == ROUND_LONE) &&
		       addr_equal(&result->mapped, &bulletin_report(s->bulletin)->outer);

	if (is_same)
		s->look_pause = 0; /* these are two that agree */
	if (is_same || s->look_pause > 0)
		return true;
	return outcome == ROUND_OK && s->asks_all_others && !is_still_seen;
}

/* It settled nothing. */
static void
end_look(struct session *s, bool is_to_ask_all, struct probe *winner)
{
	probe_free(winner);
	if (is_to_ask_all)
		session_ask_others(s, true);
	else
		log_debug("the STUN servers that do not hold the mapping give no reason to doubt its address");
}

/* Two see another address than the one that a server told of alone. */
static void
blame_for_rumour(struct session *s, const struct addr *mapped)
{
	if (addr_is_set(&s->rumour.mapped) && !addr_equal(&s->rumour.mapped, mapped))
		uplink_tell_server(s->worker->uplink, &s->rumour.server, false);
}

void
evidence_take_round(void *context, enum round_outcome outcome, const struct probe_result *result, struct probe *winner)
{
	struct session *s = context;
	struct probe_result r = *result; /* it goes with the round */
	bool is_still_seen = round_saw(s->round, &bulletin_report(s->bulletin)->outer);
	bool is_held = s->binding != NULL && session_state(s) == STATE_OPEN;
	bool is_outvoted = s->asks_others && is_held && !settles_look(s, outcome, result, is_still_seen);
	bool is_to_ask_all = outcome == ROUND_OK && !s->asks_all_others;

	session_drop_round(s);
	if (is_outvoted) {
		end_look(s, is_to_ask_all, winner);
		return;
	}
	switch (outcome) {
	case ROUND_OK:
		s->look_pause = 0;
		blame_for_rumour(s, &r.mapped);
		take_address(s, &r, winner);
		break;
	case ROUND_LONE:
		take_lone_address(s, &r, winner);
		break;
	case ROUND_SYMMETRIC:
		session_count(s, CAUSE_NAT_SYMMETRIC);
		take_symmetric(s, is_still_seen, r.error);
		break;
	case ROUND_UNCLEAR:
		session_count(s, CAUSE_STUN_DISAGREE);
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

static void
on_keep_alive_up(void *context)
{
	struct session *s = context;

	s->is_held = true;
	/* A pause with a good reason ends by itself: a server that closes after each answer
	 * must not cut it short. */
	if (session_state(s) == STATE_BACKOFF && s->patient)
		return;
	session_drop_round(s);
	session_probe(s);
}

static void
on_keep_alive_doubt(void *context, const char *reason)
{
	struct session *s = context;

	if (!bulletin_is_published(s->bulletin))
		return; /* servers are being asked, or will be */
	if (!session_is_vouched_for(s))
		session_enter(s, STATE_DEGRADED, reason);
	session_ask_anew(s);
}

static void
on_keep_alive_heard(void *context)
{
	struct session *s = context;

	if (addr_is_set(&s->rumour.mapped) || session_state(s) == STATE_OPEN || s->patient)
		return;
	if (session_is_vouched_for(s)) {
		session_enter(s, STATE_OPEN, "");
		return;
	}
	/* Whoever was asked in the silence may answer late. */
	session_drop_round(s);
	session_punch(s);
}

/* The hole may outlive its keep-alive, and what STUN servers are asked holds it meanwhile. */
static void
take_loss(struct session *s, const char *reason)
{
	session_enter(s, STATE_DEGRADED, reason);
	if (!s->is_held)
		return; /* an attempt failed, which tells nothing new */
	s->is_held = false;
	bulletin_count_loss(s->bulletin);
	session_ask_anew(s);
}

static void
on_keep_alive_lost(void *context, const char *reason, enum links_outlook outlook)
{
	struct session *s = context;

	if (outlook == LINKS_NO_WAY || (outlook != LINKS_COMING && !bulletin_is_published(s->bulletin))) {
		s->is_held = s->patient = false;
		session_drop_round(s);
		session_enter(s, STATE_BACKOFF, reason);
		if (outlook == LINKS_BLOCKED)
			session_set_timer(s, BLOCKED_RETRY_SECONDS);
	} else if (bulletin_is_published(s->bulletin)) {
		take_loss(s, reason);
	} else if (session_state(s) != STATE_BACKOFF) {
		session_drop_round(s);
		session_enter(s, STATE_CONNECTING, reason);
	}
}

const struct keeper_handlers evidence_from_keeper = {on_keep_alive_up, on_keep_alive_doubt, on_keep_alive_heard,
    on_keep_alive_lost};
