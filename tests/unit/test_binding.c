/* SPDX-License-Identifier: ISC */
/*
 * What the answers to a UDP mapping's keep-alive teach of its interval.  The probe is a
 * dummy that answers as each case wants; all cases wait side by side.
 * NEEDS: worker/binding worker/interval worker/net
 */
#include "binding.h"

#include <event2/event.h>

#include "check.h"
#include "net.h"

/* Where an interval within 1 and this begins. */
#define BEGIN 2

struct probe {
	probe_done *done;
	void *context;
	const char *sees;  /* what it answers with */
	bool waits;        /* until its silence was noticed */
};

struct test_case {
	struct probe probe;
	struct interval interval;
	struct relay_counters traffic;
	struct binding *binding;
	bool answered;
	double lost_idle;
};

static struct worker worker;

static void
answer(struct probe *p)
{
	struct probe_result result = {.ok = true};

	CHECK(addr_parse(p->sees, 0, &result.mapped) == 0);
	p->done(p->context, p, &result);
}

void
probe_again(struct probe *p)
{
	if (!p->waits)
		answer(p);
}

void
probe_hand_over(struct probe *p, probe_done *done, void *context)
{
	p->done = done;
	p->context = context;
}

const struct server *
probe_server(const struct probe *p)
{
	static const struct server none;

	(void)p;
	return &none;
}

void
probe_free(struct probe *p)
{
	(void)p;
}

static void
on_answer(void *context, const struct probe_result *result, double lost_idle)
{
	struct test_case *t = context;

	(void)result;
	t->answered = true;
	t->lost_idle = lost_idle;
	binding_free(t->binding);
}

static void
on_silence(void *context)
{
	struct test_case *t = context;

	CHECK(t->probe.waits);
	answer(&t->probe);
}

static void
on_lost(void *context, const char *reason)
{
	(void)context;
	(void)reason;
	CHECK(!"lost");
}

static void
begin(struct test_case *t, const char *sees)
{
	static const struct binding_handlers handlers = {on_answer, on_silence, on_lost};
	struct binding_memory memory = {&t->interval, &t->traffic};
	struct addr seen;

	CHECK(addr_parse("203.0.113.1:5000", 0, &seen) == 0);
	t->probe.sees = sees;
	interval_init(&t->interval, 1, BEGIN, net_now());
	t->binding = binding_start(&worker, &t->probe, &seen, &memory, &handlers, t);
}

/* Only what is true of the hole makes the interval shorter, which others have to say. */
static bool
learned(const struct test_case *t, unsigned int held, bool lost)
{
	return t->answered && t->interval.held == held && interval_seconds(&t->interval) == BEGIN &&
	       (lost ? t->lost_idle > BEGIN * 0.8 && t->lost_idle < BEGIN * 2 : t->lost_idle == 0);
}

int
main(void)
{
	static struct test_case same, other_port, other_address, after_silence, lost_after_silence, busy, lost_while_busy,
	    disturbed, lost_when_disturbed;

	worker.base = event_base_new();
	after_silence.probe.waits = lost_after_silence.probe.waits = true;
	begin(&same, "203.0.113.1:5000");
	begin(&other_port, "203.0.113.1:5001");
	begin(&other_address, "203.0.113.2:5001");
	begin(&after_silence, "203.0.113.1:5000");
	begin(&lost_after_silence, "203.0.113.1:5001");
	begin(&busy, "203.0.113.1:5000");
	begin(&lost_while_busy, "203.0.113.1:5001");
	begin(&disturbed, "203.0.113.1:5000");
	begin(&lost_when_disturbed, "203.0.113.1:5001");
	binding_disturb(disturbed.binding);
	binding_disturb(lost_when_disturbed.binding);
	busy.traffic.bytes_in++;
	lost_while_busy.traffic.bytes_out++;
	/* It ends with the last binding. */
	event_base_dispatch(worker.base);

	CHECK(learned(&same, 1, false));
	CHECK(learned(&other_port, 0, true));
	CHECK(learned(&other_address, 0, false));
	CHECK(learned(&after_silence, 0, false));
	CHECK(learned(&lost_after_silence, 0, false));
	CHECK(learned(&busy, 0, false));
	CHECK(learned(&lost_while_busy, 0, false));
	CHECK(learned(&disturbed, 0, false));
	CHECK(learned(&lost_when_disturbed, 0, false));
	event_base_free(worker.base);
	return check_done();
}
