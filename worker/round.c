/* SPDX-License-Identifier: ISC */
/*
 * Asking STUN servers side by side; see round.h.
 *
 *     first answer --no other within 1.5 s, or nobody left to ask--> OK
 *          |
 *          +--the same from another IP address--> OK
 *          |
 *          +--another address from another IP address: DISPUTE.  The NAT may just have
 *             changed: who has answered is asked again, and more servers are asked.
 *             Two that agree settle it; after 2 s at the latest two that still see
 *             different addresses do: SYMMETRIC.  Otherwise: UNCLEAR.
 *
 * Only answers to the same address of this machine agree or contradict each other.
 */
#include "round.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "net.h"
#include "opinion.h"
#include "uplink.h"

/* So many are asked at once ... */
#define SIDE_BY_SIDE 3
/* ... but over UDP one goes ahead for so long: a NAT that is met by two datagrams at the same
 * moment may give each an outside port of its own, and would look symmetric as long as both
 * flows live ... */
static const struct timeval lead_time = {.tv_usec = 20000};
/* ... and one more each time this passes without an answer (one RTO) ... */
static const struct timeval hedge_delay = {.tv_usec = 500000};
/* ... or without a second one that settles the first. */
static const struct timeval quick_hedge_delay = {.tv_usec = 200000};
/* Long enough for one that lost a datagram (RTO 0.5 s) or a SYN (1 s): behind a symmetric
 * NAT a single answer looks like an address. */
static const struct timeval second_opinion_delay = {.tv_sec = 1, .tv_usec = 500000};
static const struct timeval dispute_delay = {.tv_sec = 2};

/* What the opinions that count amount to; the later the stronger. */
enum view {
	VIEW_NONE,
	VIEW_LONE, /* any number, but none that is comparable with another */
	VIEW_CONTRADICTION,
	VIEW_AGREEMENT,
};

struct round {
	struct worker *worker;
	struct servers servers;
	struct addr local;
	round_done *done;
	void *context;
	struct event *hedge;
	struct event *settle; /* the end of waiting for further opinions */
	bool leads; /* the first one is ahead */
	bool asks_all; /* and is over when all have answered who do so in time */
	bool in_dispute;
	char disagreement[REPORT_ERROR_SIZE]; /* what the dispute is about */
	unsigned int first;
	unsigned int asked;
	struct opinion opinions[SERVERS_MAX]; /* in the order of asking */
};

static void on_probe(void *context, struct probe *probe, const struct probe_result *result);

static bool
is_waiting(const struct round *r)
{
	unsigned int i;

	for (i = 0; i < r->asked; i++)
		if (r->opinions[i].waiting)
			return true;
	return false;
}

static bool
has_answer(const struct round *r)
{
	unsigned int i;

	for (i = 0; i < r->asked; i++)
		if (r->opinions[i].result.ok)
			return true;
	return false;
}

static void
report_symmetric(struct round *r, const struct opinion *a, const struct opinion *b)
{
	struct probe_result result = {.ok = false};

	opinion_explain_symmetric(a, b, r->worker->mapping.protocol, result.error, sizeof(result.error));
	r->done(r->context, ROUND_SYMMETRIC, &result, NULL);
}

static void
report_unclear(struct round *r)
{
	struct probe_result result = {.ok = false};

	memcpy(result.error, r->disagreement, sizeof(result.error));
	r->done(r->context, ROUND_UNCLEAR, &result, NULL);
}

/* Nothing is known of any server if this machine gave no socket for asking. */
static const struct probe_result *
find_own_failure(const struct round *r)
{
	unsigned int i;

	for (i = 0; i < r->asked; i++)
		if (r->opinions[i].result.not_asked)
			return &r->opinions[i].result;
	return NULL;
}

static bool
has_no_way(const struct round *r)
{
	unsigned int i;

	for (i = 0; i < r->asked; i++)
		if (!r->opinions[i].result.no_way)
			return false;
	return true;
}

/* The servers stand in the order of the list, so that the next failure reads the same. */
static void
report_failure(struct round *r)
{
	struct probe_result result = {.ok = false};
	const struct probe_result *own = find_own_failure(r);
	enum round_outcome outcome = has_no_way(r) ? ROUND_NO_WAY : ROUND_FAILED;

	opinion_explain_failure(r->opinions, r->asked, r->asked - r->first % r->asked, result.error, sizeof(result.error));
	r->done(r->context, outcome, own != NULL ? own : &result, NULL);
}

/* Others need not wait for servers that fail or lie. */
static void
tell_servers(const struct round *r, const struct opinion *believed)
{
	const struct opinion *o;

	for (o = r->opinions; o < r->opinions + r->asked; o++) {
		bool agrees = o->result.ok && addr_equal(&o->result.mapped, &believed->result.mapped);

		if (o->waiting || o->disputed)
			continue;
		if (agrees && o->server.rest_until > 0)
			uplink_tell_server(r->worker->uplink, &o->server.addr, true);
		else if (o->result.ok ? !agrees && opinion_is_comparable(o, believed) : !o->result.not_asked)
			uplink_tell_server(r->worker->uplink, &o->server.addr, false);
	}
}

static void
settle_for(struct round *r, struct opinion *o, enum round_outcome outcome)
{
	struct probe *winner = o->probe;

	if (outcome == ROUND_OK)
		tell_servers(r, o);
	o->probe = NULL;
	r->done(r->context, outcome, &o->result, winner);
}

static void
ask(struct round *r, struct opinion *o)
{
	o->waiting = true;
	o->probe = probe_start(r->worker, &o->server, on_probe, r);
}

static void
ask_next(struct round *r)
{
	const struct servers *s = &r->servers;
	struct opinion *o = &r->opinions[r->asked];

	if (r->asked >= s->stun_count)
		return;
	o->server = s->stun[r->asked];
	r->asked++;
	ask(r, o);
	event_add(r->hedge, event_pending(r->settle, EV_TIMEOUT, NULL) ? &quick_hedge_delay : &hedge_delay);
}

/* Is it of use here?  anywhere: also if it is about another address of this machine than
 * the one that is preferred. */
static bool
counts(const struct round *r, const struct opinion *o, bool anywhere)
{
	return o->result.ok && !o->disputed &&
	       (anywhere || !addr_is_set(&r->local) || addr_same_ip(&o->result.local, &r->local));
}

/* Finds the strongest view, and one or two whose view it is. */
static enum view
look(struct round *r, bool anywhere, struct opinion **a, struct opinion **b)
{
	enum view view = VIEW_NONE, seen;
	struct opinion *x, *y, *end = r->opinions + r->asked;

	for (x = r->opinions; x < end; x++) {
		if (!counts(r, x, anywhere))
			continue;
		if (view == VIEW_NONE) {
			view = VIEW_LONE;
			*a = x;
		}
		for (y = r->opinions; y < x; y++) {
			if (!counts(r, y, anywhere) || !opinion_is_comparable(x, y))
				continue;
			seen = addr_equal(&x->result.mapped, &y->result.mapped) ? VIEW_AGREEMENT : VIEW_CONTRADICTION;
			if (seen > view) {
				view = seen;
				*a = y;
				*b = x;
			}
		}
	}
	return view;
}

static void
begin_dispute(struct round *r, const struct opinion *a, const struct opinion *b)
{
	struct opinion *o;
	int i;

	r->in_dispute = true;
	opinion_explain_disagreement(a, b, r->disagreement, sizeof(r->disagreement));
	for (o = r->opinions; o < r->opinions + r->asked; o++) {
		if (!o->result.ok)
			continue;
		o->disputed = true;
		probe_free(o->probe); /* over TCP the same pair of addresses is needed */
		ask(r, o);
	}
	for (i = 0; i < SIDE_BY_SIDE; i++)
		ask_next(r);
	event_add(r->settle, &dispute_delay);
}

static void
wait_for_others(struct round *r)
{
	if (!has_answer(r) || r->in_dispute || event_pending(r->settle, EV_TIMEOUT, NULL))
		return;
	event_add(r->settle, &second_opinion_delay);
	event_add(r->hedge, &quick_hedge_delay);
}

/* No more opinions are waited for. */
static void
conclude(struct round *r, enum view view, struct opinion *a, const struct opinion *b)
{
	if (view == VIEW_CONTRADICTION)
		report_symmetric(r, a, b);
	else if (r->in_dispute)
		report_unclear(r); /* one alone was just contradicted */
	else if (view == VIEW_LONE)
		settle_for(r, a, ROUND_LONE);
	else
		report_failure(r);
}

/* Looks at the opinions after each change; over: no more of them is waited for.  May
 * end the round. */
static void
decide(struct round *r, bool over)
{
	struct opinion *a = NULL, *b = NULL;
	enum view view = look(r, false, &a, &b);

	if ((r->asks_all || view < VIEW_CONTRADICTION) && !is_waiting(r))
		ask_next(r);
	over = over || !is_waiting(r);
	if (view == VIEW_NONE && over)
		view = look(r, true, &a, &b);
	if (r->asks_all && !over) {
		wait_for_others(r);
		return;
	}
	if (view == VIEW_AGREEMENT)
		settle_for(r, a, ROUND_OK);
	else if (view == VIEW_CONTRADICTION && !r->in_dispute && !r->asks_all)
		begin_dispute(r, a, b);
	else if (over)
		conclude(r, view, a, b);
	else
		wait_for_others(r);
}

static void
on_probe(void *context, struct probe *probe, const struct probe_result *result)
{
	struct round *r = context;
	struct opinion *o = r->opinions;

	while (o->probe != probe)
		o++;
	o->waiting = false;
	if (result->ok) {
		o->disputed = false;
		o->result = *result;
	} else {
		log_debug("%s", result->error);
		probe_free(probe);
		o->probe = NULL;
		if (!o->disputed)
			o->result = *result;
		ask_next(r);
	}
	decide(r, false);
}

static void
ask_side_by_side(struct round *r)
{
	unsigned int most = r->asks_all ? SERVERS_MAX : SIDE_BY_SIDE;

	r->leads = false;
	while (r->asked < most && r->asked < r->servers.stun_count)
		ask_next(r);
}

static void
on_hedge(evutil_socket_t fd, short what, void *arg)
{
	struct round *r = arg;
	struct opinion *a, *b;

	(void)fd;
	(void)what;
	if (r->leads)
		ask_side_by_side(r);
	else if (look(r, false, &a, &b) < VIEW_CONTRADICTION)
		ask_next(r);
}

static void
on_settle(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	decide(arg, true);
}

/* From number first round the list, those that failed lately last. */
static void
arrange_servers(struct round *r, const struct servers *servers)
{
	double now = net_now();
	uint32_t i, n = 0;
	int resting;

	for (resting = 0; resting <= 1; resting++) {
		for (i = 0; i < servers->stun_count; i++) {
			const struct server *s = &servers->stun[(r->first + i) % servers->stun_count];

			if (((double)s->rest_until > now) == (resting == 1))
				r->servers.stun[n++] = *s;
		}
	}
	r->servers.stun_count = n;
}

struct round *
round_start(struct worker *worker, const struct servers *servers, unsigned int first, const struct addr *local,
    round_done *done, void *context)
{
	struct round *r = alloc_zero(sizeof(*r));

	r->worker = worker;
	r->first = first;
	arrange_servers(r, servers);
	r->local = *local;
	r->done = done;
	r->context = context;
	r->hedge = event_new(worker->base, -1, 0, on_hedge, r);
	r->settle = event_new(worker->base, -1, 0, on_settle, r);
	if (r->hedge == NULL || r->settle == NULL)
		fatal("out of memory");
	if (worker->mapping.protocol != PROTOCOL_UDP) {
		ask_side_by_side(r);
		return r;
	}
	r->leads = true;
	ask_next(r);
	event_add(r->hedge, &lead_time);
	return r;
}

void
round_ask_all(struct round *r)
{
	r->asks_all = true;
	if (!r->leads)
		ask_side_by_side(r);
}

bool
round_saw(const struct round *r, const struct addr *mapped)
{
	const struct opinion *o;

	for (o = r->opinions; o < r->opinions + r->asked; o++)
		if (counts(r, o, true) && addr_equal(&o->result.mapped, mapped))
			return true;
	return false;
}

unsigned int
round_asked_in_vain(const struct round *r)
{
	return has_answer(r) ? 0 : r->asked;
}

void
round_free(struct round *r)
{
	unsigned int i;

	if (r == NULL)
		return;
	for (i = 0; i < r->asked; i++)
		probe_free(r->opinions[i].probe);
	event_free(r->settle);
	event_free(r->hedge);
	free(r);
}
