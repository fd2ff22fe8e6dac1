/* SPDX-License-Identifier: ISC */
/*
 * A session from inside, for its two halves: session.c, which knows what comes next, and
 * evidence.c, which knows what follows from what was heard.
 */
#ifndef SESSION_STATE_H
#define SESSION_STATE_H

#include <event2/event.h>

#include "binding.h"
#include "bulletin.h"
#include "interval.h"
#include "keeper.h"
#include "round.h"
#include "serving.h"
#include "worker.h"

struct session {
	struct worker *worker;
	struct servers servers;
	struct bulletin *bulletin;
	struct event *timer; /* the end of a pause */
	struct event *look;  /* open: when the address is looked at again */
	struct serving *serving;
	struct keeper *keeper;   /* TCP: what holds the mapping */
	struct binding *binding; /* UDP: the same, or NULL */
	struct interval interval; /* that was learned, UDP */
	struct round *round;     /* servers being asked now, or NULL */
	bool asks_others;        /* than the one that holds the mapping, whose word stands against theirs */
	bool asks_all_others;    /* and each of them, as two of them see another address */
	unsigned int next_stun;  /* counter round the list of servers */
	unsigned int failures;   /* tries since the last success */
	unsigned int in_vain;    /* questions since the doubt began */
	double confirmed_at;     /* when servers last saw the published address, on the monotonic clock */
	double doubt_since;      /* on the monotonic clock; 0: no doubt */
	bool on_watch;
	bool patient;   /* the pause is not for lack of a network: only its end ends it */
	bool serving_joins; /* it begins beside a hole that is there */
	bool is_held;   /* TCP: there was a connection when the keeper was last heard */
	unsigned int look_pause; /* seconds until the next look, as one server alone saw the address; 0: as usual */
	struct { /* what one server alone sees, and nobody else has said yet */
		struct addr mapped;
		struct addr server;
		double lost_idle; /* UDP: if it is true, so much idleness lost the hole; 0: that did not */
	} rumour;
};

static inline bool
session_is_udp(const struct session *s)
{
	return s->worker->mapping.protocol == PROTOCOL_UDP;
}

static inline void
session_count(struct session *s, enum cause cause)
{
	measures_count(&s->worker->measures, cause);
}

enum state session_state(const struct session *s);
/* Does something else than STUN servers vouch for what is published? */
bool session_is_vouched_for(const struct session *s);

/* The one way into a state: its entry action and its timer. */
void session_enter(struct session *s, enum state state, const char *why);
/* While the outer address is published, trouble is a doubt, not the end. */
void session_enter_doubt_or(struct session *s, enum state otherwise, const char *why);
/* Into STATE_BACKOFF for what nobody can help by trying again soon. */
void session_back_off_patiently(struct session *s, const char *why);
/* How long the state lasts, if not as long as usual: in seconds. */
void session_set_timer(struct session *s, unsigned int seconds);
/* The same for STATE_DEGRADED, until servers are asked anew. */
void session_set_doubt_timer(struct session *s, unsigned int seconds);

/* When the address is looked at the next time, come what may. */
void session_plan_look(struct session *s);
/* The interval goes into the report, to be sent. */
void session_note_interval(struct session *s);

/* Goes on from wherever things stand: first the relay, so that the published port is never
 * closed, then the keep-alive, then the question. */
void session_punch(struct session *s);
/* The last of these alone. */
void session_probe(struct session *s);
/* Asks STUN servers, unless they are being asked; evidence_take_round follows. */
void session_ask(struct session *s);
/* The same: what was answered so far was before something happened. */
void session_ask_anew(struct session *s);
/* UDP, while a server holds the mapping: the same, but of other servers, unless there are none; all: of all
 * of them. */
void session_ask_others(struct session *s, bool all);
void session_drop_round(struct session *s);
void session_drop_binding(struct session *s);

#endif
