/* SPDX-License-Identifier: ISC */
/*
 * What is said of the mapping: keeps its report, works out what follows from what is
 * known (whether it can be reached, advice), and sends it up when it changed.
 */
#ifndef BULLETIN_H
#define BULLETIN_H

#include "probe.h"
#include "reach.h"
#include "relay.h"
#include "report.h"
#include "worker.h"

struct bulletin;

/* *servers must outlive it and may change: then reach_note_servers is due. */
struct bulletin *bulletin_new(struct worker *worker, const struct servers *servers);
void bulletin_free(struct bulletin *b);

/* The counters that go into the report; they must outlive it. */
void bulletin_set_counters(struct bulletin *b, const struct relay_counters *counters);

const struct report *bulletin_report(const struct bulletin *b);
bool bulletin_is_published(const struct bulletin *b);
struct reach_test *bulletin_reach(struct bulletin *b);

/* The mapping is in this state, because of why or "".  The outer address must be set in
 * STATE_OPEN and STATE_DEGRADED and in no other: see the next two. */
void bulletin_enter(struct bulletin *b, enum state state, const char *why);
/* The outer address is known, and what reaches it is looked into if it is new; to be
 * sent by the bulletin_enter that follows. */
void bulletin_publish(struct bulletin *b, const struct probe_result *result);
/* The outer address is known to be gone; likewise. */
void bulletin_withdraw(struct bulletin *b);
/* The outer address, if there is one, is contradicted: may it stand?  Only if something from
 * outside came in there, and if a test, which this begins, proves it again each time. */
bool bulletin_try_again(struct bulletin *b);
/* Does it stand for that reason, since the last bulletin_publish? */
bool bulletin_is_on_trial(const struct bulletin *b);
/* How often something leaves the port so that the hole stays, in seconds; likewise. */
void bulletin_set_interval(struct bulletin *b, uint32_t seconds);
/* Nothing held the hole any more, or it is another one; likewise. */
void bulletin_count_loss(struct bulletin *b);
/* What reaches it is to be looked into again with the next answer, even if the outer address stays. */
void bulletin_look_again(struct bulletin *b);

/* The mapping may have another name. */
void bulletin_retitle(const struct bulletin *b);

/* Sends it, if it changed. */
void bulletin_send(struct bulletin *b);

#endif
