/* SPDX-License-Identifier: ISC */
/*
 * Asking STUN servers side by side; see round.h.
 *
 *     first answer --no other within 0.5 s, or nobody left to wait for--> OK
 *          |
 *          +--the same from another IP address--> OK
 *          |
 *          +--another address from another IP address: DISPUTE.  The NAT may just have
 *             changed: who has answered is asked again, and more servers are asked;
 *             after 2 s at the latest, or with two that agree, it is settled.
 */
#include "round.h"

#include <bsd/string.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"

/* So many are asked at once ... */
#define SIDE_BY_SIDE 3
/* ... and one more each time this passes without an answer (one RTO). */
static const struct timeval hedge_delay = {.tv_usec = 500000};
static const struct timeval second_opinion_delay = {.tv_usec = 500000};
static const struct timeval dispute_delay = {.tv_sec = 2};

#define SERVER_TEXT_SIZE (64 + ADDR_TEXT_SIZE)
/* What a list that is too long ends with. */
#define MORE ", ..."

/* What one server has been asked and said. */
struct opinion {
	struct server server;
	struct probe *probe; /* NULL: it failed */
	bool waiting;        /* for an answer */
	bool disputed;       /* what it said, it said before the dispute */
	struct probe_result result;
};

struct round {
	struct worker *worker;
	const struct servers *servers;
	round_done *done;
	void *context;
	struct event *hedge;
	struct event *settle; /* the end of waiting for further opinions */
	bool in_dispute;
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

/* "NAME:3478 (1.2.3.4)", or "1.2.3.4:3478" for one that has no other name. */
static void
describe_server(const struct server *server, char *buf, size_t size)
{
	char ip[ADDR_TEXT_SIZE], where[ADDR_TEXT_SIZE];

	addr_text(&server->addr, where);
	if (strcmp(server->name, where) == 0)
		snprintf(buf, size, "%s", where);
	else
		snprintf(buf, size, "%.60s (%s)", server->name, addr_ip_text(&server->addr, ip));
}

static void
report_symmetric(struct round *r, const struct opinion *a, const struct opinion *b)
{
	struct probe_result result = {.ok = false};
	const char *protocol = r->worker->mapping.protocol == PROTOCOL_TCP ? "TCP" : "UDP";
	char who[2][SERVER_TEXT_SIZE], what[2][ADDR_TEXT_SIZE];

	describe_server(&a->server, who[0], sizeof(who[0]));
	describe_server(&b->server, who[1], sizeof(who[1]));
	snprintf(result.error, sizeof(result.error),
	    "You cannot perform %s hole punching in a symmetric NAT network. %.70s sees %s, %.70s sees %s.", protocol,
	    who[0], addr_text(&a->result.mapped, what[0]), who[1], addr_text(&b->result.mapped, what[1]));
	r->done(r->context, ROUND_SYMMETRIC, &result, NULL);
}

/* Appends what became of one server.  Returns false if that does not fit, with room
 * for the mark that says so. */
static bool
append_failure(char *text, size_t size, const struct opinion *o, const char *separator)
{
	const char *reason = o->waiting || o->result.ok ? "no answer" : o->result.reason;
	char who[SERVER_TEXT_SIZE];
	size_t length = strlen(text);

	describe_server(&o->server, who, sizeof(who));
	if (length + strlen(separator) + strlen(who) + 1 + strlen(reason) + strlen(separator) + strlen(MORE) >= size)
		return false;
	snprintf(text + length, size - length, "%s%s %c%s", separator, who, tolower((unsigned char)reason[0]), reason + 1);
	return true;
}

/* The servers stand in the order of the list, so that the next failure reads the same. */
static void
report_failure(struct round *r)
{
	struct probe_result result = {.ok = false};
	unsigned int count = r->asked, begin = count - r->first % count, i;
	const char *separator = "";

	snprintf(result.error, sizeof(result.error),
	    "No public STUN server is available. Please check your Internet connection. Tried %u: ", count);
	for (i = 0; i < count; i++) {
		if (!append_failure(result.error, sizeof(result.error), &r->opinions[(begin + i) % count], separator)) {
			strlcat(result.error, MORE, sizeof(result.error));
			break;
		}
		separator = ", ";
	}
	r->done(r->context, ROUND_FAILED, &result, NULL);
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

static void
fail(struct round *r)
{
	const struct probe_result *own = find_own_failure(r);

	if (own != NULL)
		r->done(r->context, ROUND_FAILED, own, NULL);
	else
		report_failure(r);
}

static void
settle_for(struct round *r, struct opinion *o)
{
	struct probe *winner = o->probe;

	o->probe = NULL;
	r->done(r->context, ROUND_OK, &o->result, winner);
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
	const struct servers *s = r->servers;
	struct opinion *o = &r->opinions[r->asked];

	if (r->asked >= s->stun_count)
		return;
	o->server = s->stun[(r->first + r->asked) % s->stun_count];
	r->asked++;
	ask(r, o);
	event_add(r->hedge, &hedge_delay);
}

static bool
is_opinion(const struct opinion *o)
{
	return o->result.ok && !o->disputed;
}

/* The first opinion, or the first from another IP address than that of *but; NULL:
 * there is none. */
static struct opinion *
find_opinion(struct round *r, const struct opinion *but)
{
	struct opinion *o;

	for (o = r->opinions; o < r->opinions + r->asked; o++)
		if (is_opinion(o) && (but == NULL || !addr_same_ip(&o->server.addr, &but->server.addr)))
			return o;
	return NULL;
}

/* An opinion that is shared by a server at another IP address; NULL: there is none. */
static struct opinion *
find_agreement(struct round *r)
{
	struct opinion *a, *b;

	for (a = r->opinions; a < r->opinions + r->asked; a++)
		for (b = r->opinions; b < a; b++)
			if (is_opinion(a) && is_opinion(b) && addr_equal(&a->result.mapped, &b->result.mapped) &&
			    !addr_same_ip(&a->server.addr, &b->server.addr))
				return a;
	return NULL;
}

static void
begin_dispute(struct round *r)
{
	struct opinion *o;
	int i;

	r->in_dispute = true;
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

/* Looks at the opinions after each change; over: no more of them is waited for.  May
 * end the round. */
static void
decide(struct round *r, bool over)
{
	struct opinion *agreed = find_agreement(r), *one = find_opinion(r, NULL);
	struct opinion *another = one != NULL ? find_opinion(r, one) : NULL;

	over = over || !is_waiting(r);
	if (agreed != NULL)
		settle_for(r, agreed);
	else if (another != NULL && !r->in_dispute)
		begin_dispute(r);
	else if (another != NULL && over)
		report_symmetric(r, one, another);
	else if (one != NULL && over)
		settle_for(r, one);
	else if (over)
		fail(r);
	else if (one != NULL && !r->in_dispute && !event_pending(r->settle, EV_TIMEOUT, NULL))
		event_add(r->settle, &second_opinion_delay);
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
on_hedge(evutil_socket_t fd, short what, void *arg)
{
	struct round *r = arg;

	(void)fd;
	(void)what;
	if (find_opinion(r, NULL) == NULL)
		ask_next(r);
}

static void
on_settle(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	decide(arg, true);
}

struct round *
round_start(struct worker *worker, const struct servers *servers, unsigned int first, round_done *done, void *context)
{
	struct round *r = alloc_zero(sizeof(*r));
	int i;

	r->worker = worker;
	r->servers = servers;
	r->first = first;
	r->done = done;
	r->context = context;
	r->hedge = event_new(worker->base, -1, 0, on_hedge, r);
	r->settle = event_new(worker->base, -1, 0, on_settle, r);
	if (r->hedge == NULL || r->settle == NULL)
		fatal("out of memory");
	for (i = 0; i < SIDE_BY_SIDE; i++)
		ask_next(r);
	return r;
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
