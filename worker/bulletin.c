/* SPDX-License-Identifier: ISC */
/*
 * What is said of the mapping; see bulletin.h.
 */
#include "bulletin.h"

#include <bsd/string.h>
#include <bsd/unistd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "log.h"
#include "net.h"
#include "text.h"
#include "uplink.h"

#define NO_NEED "You are not in a NAT network: there is no need for this tool."

/* A test of a good address ends before it is asked for so often. */
#define UNPROVED_MAX 3
/* That a round trip took a moment more or less wakes natterd no more often than this: seconds. */
#define TRIPS_SECONDS 60

struct bulletin {
	struct worker *worker;
	const struct relay_counters *counters; /* NULL: none yet */
	struct reach_test *reach;
	bool reach_is_due; /* with the next answer */
	bool test_is_due;  /* when the supervisor knows the address */
	unsigned int unproved; /* times that the outer address was on trial and the test had not ended */
	struct event *measured; /* something was counted or measured */
	double trips_at; /* when both in the report were news */
	struct report report;
};

const struct report *
bulletin_report(const struct bulletin *b)
{
	return &b->report;
}

bool
bulletin_is_published(const struct bulletin *b)
{
	return addr_is_set(&b->report.outer);
}

struct reach_test *
bulletin_reach(struct bulletin *b)
{
	return b->reach;
}

void
bulletin_retitle(const struct bulletin *b)
{
	const struct mapping *m = &b->worker->mapping;
	char inner[ADDR_TEXT_SIZE], outer[ADDR_TEXT_SIZE];

	setproctitle("%s %s %s %s%s%s", m->name, protocol_name(m->protocol), addr_text(&m->bind, inner),
	    state_name(b->report.state), bulletin_is_published(b) ? " at " : "", addr_text(&b->report.outer, outer));
}

static void
copy_measures(struct bulletin *b)
{
	const struct measures *m = &b->worker->measures;
	struct report *r = &b->report;
	bool is_due = net_now() - b->trips_at >= TRIPS_SECONDS;

	memcpy(r->failures, m->failures, sizeof(r->failures));
	if (is_due || r->keep_alive_trip == 0)
		r->keep_alive_trip = m->keep_alive_trip;
	if (is_due || r->stun_trip == 0)
		r->stun_trip = m->stun_trip;
	if (is_due)
		b->trips_at = net_now();
}

void
bulletin_send(struct bulletin *b)
{
	const struct relay_counters *c = b->counters;

	if (c != NULL) {
		b->report.connections = c->connections;
		b->report.connections_total = c->connections_total;
		b->report.bytes_in = c->bytes_in;
		b->report.bytes_out = c->bytes_out;
		memcpy(b->report.refused, c->refused, sizeof(b->report.refused));
	}
	copy_measures(b);
	uplink_report(b->worker->uplink, &b->report);
	/* natterd connects a hairpin probe to no other address than it was told. */
	if (b->test_is_due)
		reach_begin(b->reach, &b->report.outer);
	b->test_is_due = false;
}

void
bulletin_enter(struct bulletin *b, enum state state, const char *why)
{
	enum state old = b->report.state;

	b->report.state = state;
	/* A server's words may have been cut in the middle of a character. */
	if (why != b->report.error)
		text_copy_printable(b->report.error, sizeof(b->report.error), why, strlen(why));
	if (old != state)
		log_debug("%s -> %s%s%s", state_name(old), state_name(state), why[0] != '\0' ? ": " : "", why);
	bulletin_retitle(b);
	bulletin_send(b);
}

/* What the owner should know although the mapping is open. */
static const char *
find_advice(const struct report *r)
{
	bool kept_out = r->reach == REACH_UNREACHABLE;

	if (!addr_is_set(&r->outer))
		return "";
	if (addr_equal(&r->inner, &r->outer))
		return kept_out ? NO_NEED " But nobody gets in: a firewall keeps strangers out." : NO_NEED;
	return kept_out ? "Nobody gets in: the NAT or a firewall keeps strangers out (not full cone); "
			  "see natterd --check-nat."
			: "";
}

static void
set_reach(struct bulletin *b, enum reach reach)
{
	b->report.reach = reach;
	strlcpy(b->report.advice, find_advice(&b->report), sizeof(b->report.advice));
}

static void
on_reach(void *context, enum reach reach)
{
	struct bulletin *b = context;

	log_debug("from outside: %s", reach_name(reach));
	set_reach(b, reach);
	bulletin_send(b);
}

void
bulletin_publish(struct bulletin *b, const struct probe_result *result)
{
	struct report *r = &b->report;
	bool is_new = !addr_equal(&r->outer, &result->mapped);
	bool is_tested = reach_is_running(b->reach) && addr_equal(&r->inner, &result->local);

	r->inner = result->local;
	if (is_new) {
		r->outer = result->mapped;
		r->since = (int64_t)time(NULL);
	}
	/* A test that began again with every look would never end where the network changes often. */
	if (is_new || (b->reach_is_due && !is_tested)) {
		reach_stop(b->reach);
		b->test_is_due = true;
	}
	/* What is known of the same address stands until the test has ended. */
	set_reach(b, is_new ? REACH_UNKNOWN : r->reach);
	b->reach_is_due = false;
	b->unproved = 0;
}

bool
bulletin_try_again(struct bulletin *b)
{
	if (b->report.reach != REACH_REACHABLE)
		return false;
	if (reach_is_running(b->reach))
		return ++b->unproved <= UNPROVED_MAX;
	reach_begin(b->reach, &b->report.outer);
	b->unproved = 1;
	return true;
}

bool
bulletin_is_on_trial(const struct bulletin *b)
{
	return b->unproved > 0;
}

void
bulletin_withdraw(struct bulletin *b)
{
	memset(&b->report.outer, 0, sizeof(b->report.outer));
	b->report.since = 0;
	b->unproved = 0;
	b->test_is_due = false;
	reach_stop(b->reach);
	set_reach(b, REACH_UNKNOWN);
}

void
bulletin_look_again(struct bulletin *b)
{
	b->reach_is_due = true;
}

void
bulletin_set_counters(struct bulletin *b, const struct relay_counters *counters)
{
	b->counters = counters;
}

void
bulletin_set_interval(struct bulletin *b, uint32_t seconds)
{
	b->report.keep_alive_interval = seconds;
}

void
bulletin_count_loss(struct bulletin *b)
{
	b->report.holes_lost++;
}

static void
on_measured(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	bulletin_send(arg);
}

/* What was counted may be about to change more of the report: it is sent when that is done. */
static void
on_measures(void *context)
{
	static const struct timeval at_once;
	struct bulletin *b = context;

	if (!event_pending(b->measured, EV_TIMEOUT, NULL))
		event_add(b->measured, &at_once);
}

struct bulletin *
bulletin_new(struct worker *worker, const struct servers *servers)
{
	struct bulletin *b = alloc_zero(sizeof(*b));

	b->worker = worker;
	b->report.confinement = worker->confinement;
	b->measured = event_new(worker->base, -1, 0, on_measured, b);
	if (b->measured == NULL)
		fatal("out of memory");
	worker->measures.on_news = on_measures;
	worker->measures.context = b;
	b->reach = reach_new(worker, servers, on_reach, b);
	return b;
}

void
bulletin_free(struct bulletin *b)
{
	b->worker->measures.on_news = NULL;
	event_free(b->measured);
	reach_free(b->reach);
	free(b);
}
