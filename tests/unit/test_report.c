/* SPDX-License-Identifier: ISC */
/*
 * Which reports a supervisor believes, and which of them are news.
 */
#include "report.h"

#include "check.h"

static struct addr
address(const char *text)
{
	struct addr a;

	CHECK(addr_parse(text, 0, &a) == 0);
	return a;
}

static struct report
open_report(void)
{
	struct report r;

	memset(&r, 0, sizeof(r));
	r.state = STATE_OPEN;
	r.inner = address("192.168.1.2:3333");
	r.outer = address("203.0.113.7:40123");
	r.since = 1795000000;
	return r;
}

static struct report
waiting_report(void)
{
	struct report r;

	memset(&r, 0, sizeof(r));
	r.state = STATE_WAITING;
	return r;
}

/* Scripts and alarms know the causes by these. */
static void
test_causes(void)
{
	unsigned int i, j;

	CHECK_TEXT(cause_name(CAUSE_NO_NETWORK), "no_network");
	CHECK_TEXT(cause_name(CAUSE_WORKER_DIED), "worker_died");
	for (i = 0; i < CAUSE_COUNT; i++) {
		CHECK(cause_name(i)[strspn(cause_name(i), "abcdefghijklmnopqrstuvwxyz_")] == '\0');
		for (j = 0; j < i; j++)
			CHECK(strcmp(cause_name(i), cause_name(j)) != 0);
	}
}

static void
test_names(void)
{
	CHECK_TEXT(state_name(STATE_WAITING), "waiting");
	CHECK_TEXT(state_name(STATE_CONNECTING), "connecting");
	CHECK_TEXT(state_name(STATE_PROBING), "probing");
	CHECK_TEXT(state_name(STATE_OPEN), "open");
	CHECK_TEXT(state_name(STATE_DEGRADED), "degraded");
	CHECK_TEXT(state_name(STATE_BACKOFF), "backoff");
	CHECK_TEXT(state_name(STATE_STOPPED), "stopped");
	CHECK_TEXT(reach_name(REACH_UNKNOWN), "unknown");
	CHECK_TEXT(reach_name(REACH_REACHABLE), "reachable");
	CHECK_TEXT(reach_name(REACH_UNREACHABLE), "unreachable");
}

static void
test_valid(void)
{
	struct report r = waiting_report();

	CHECK(report_is_valid(&r));
	r = open_report();
	CHECK(report_is_valid(&r));
	r.state = STATE_DEGRADED;
	CHECK(report_is_valid(&r));
	r.outer = address("[2001:db8::1]:1");
	r.inner = address("[::]:3333"); /* bound to every address */
	strcpy(r.error, "STUN server stun.example.org: no answer");
	CHECK(report_is_valid(&r));
	r.connections = r.bytes_in = r.failures[CAUSE_NO_NETWORK] = UINT64_MAX;
	CHECK(report_is_valid(&r));
	r.stun_trip = r.keep_alive_trip = REPORT_TRIP_MAX;
	CHECK(report_is_valid(&r));
	r.stun_trip++;
	CHECK(!report_is_valid(&r));
	r.stun_trip = 0;
	r.keep_alive_trip++;
	CHECK(!report_is_valid(&r));
}

/* An outer address stands exactly in the states that publish one. */
static void
test_outer(void)
{
	struct report r;
	uint32_t s;

	for (s = 0; s < STATE_STOPPED; s++) {
		r = open_report();
		r.state = s;
		CHECK(report_is_valid(&r) == (s == STATE_OPEN || s == STATE_DEGRADED));
		r = waiting_report();
		r.state = s;
		CHECK(report_is_valid(&r) == !(s == STATE_OPEN || s == STATE_DEGRADED));
	}
	r = open_report();
	r.outer = address("0.0.0.0:40123");
	CHECK(!report_is_valid(&r));
	r.outer = address("[::]:40123");
	CHECK(!report_is_valid(&r));
	r = open_report();
	addr_set_port(&r.outer, 0);
	CHECK(!report_is_valid(&r));
}

/* What reaches an address, and advice on it, needs an address. */
static void
test_reach(void)
{
	struct report r = open_report();

	r.reach = REACH_UNREACHABLE;
	strcpy(r.advice, "Nobody gets in.");
	CHECK(report_is_valid(&r));
	r = waiting_report();
	r.reach = REACH_REACHABLE;
	CHECK(!report_is_valid(&r));
	r = waiting_report();
	strcpy(r.advice, "x");
	CHECK(!report_is_valid(&r));
	r = open_report();
	memset(r.advice, 'x', sizeof(r.advice));
	CHECK(!report_is_valid(&r)); /* not terminated */
	strcpy(r.advice, "\n");
	CHECK(!report_is_valid(&r));
}

static void
test_nonsense(void)
{
	struct report r = open_report();

	r.state = STATE_STOPPED; /* nothing that a worker could say */
	CHECK(!report_is_valid(&r));
	r.state = UINT32_MAX;
	CHECK(!report_is_valid(&r));
	r = open_report();
	r.reach = REACH_COUNT;
	CHECK(!report_is_valid(&r));
	r = open_report();
	r.since = 0;
	CHECK(!report_is_valid(&r));
	r.since = -1;
	CHECK(!report_is_valid(&r));
	r = waiting_report();
	r.since = 1;
	CHECK(!report_is_valid(&r));
	r = open_report();
	r.inner.sa.sa_family = AF_UNIX;
	CHECK(!report_is_valid(&r));
	r = open_report();
	r.outer.sa.sa_family = 0xffff;
	CHECK(!report_is_valid(&r));
	r = open_report();
	addr_set_port(&r.inner, 0);
	CHECK(!report_is_valid(&r));
}

static void
test_error_text(void)
{
	struct report r = open_report();

	memset(r.error, 'x', sizeof(r.error));
	CHECK(!report_is_valid(&r)); /* not terminated */
	r.error[sizeof(r.error) - 1] = '\0';
	CHECK(report_is_valid(&r));
	r.error[5] = '\n';
	CHECK(!report_is_valid(&r));
	r.error[5] = '\x1b';
	CHECK(!report_is_valid(&r));
}

static void
test_news(void)
{
	struct report a = open_report(), b = open_report();

	b.connections = 1;
	b.connections_total = 2;
	b.bytes_in = 3;
	b.bytes_out = 4;
	b.failures[CAUSE_STUN_SILENT] = 5;
	b.keep_alive_trip = b.stun_trip = 6;
	CHECK(report_same_news(&a, &b));
	b.state = STATE_DEGRADED;
	CHECK(!report_same_news(&a, &b));
	b = open_report();
	addr_set_port(&b.outer, 40124);
	CHECK(!report_same_news(&a, &b));
	b = open_report();
	b.inner = address("192.168.1.3:3333");
	CHECK(!report_same_news(&a, &b));
	b = open_report();
	b.since++;
	CHECK(!report_same_news(&a, &b));
	b = open_report();
	b.reach = REACH_REACHABLE;
	CHECK(!report_same_news(&a, &b));
	b = open_report();
	strcpy(b.advice, "x");
	CHECK(!report_same_news(&a, &b));
	b = open_report();
	strcpy(b.error, "x");
	CHECK(!report_same_news(&a, &b));
}

static void
test_complaints(void)
{
	CHECK(report_same_complaint("", ""));
	CHECK(!report_same_complaint("", "no answer"));
	CHECK(report_same_complaint("no answer", "no answer"));
	CHECK(!report_same_complaint("no answer", "no answers"));
	CHECK(report_same_complaint("no answer. A was asked.", "no answer. B was asked."));
	CHECK(report_same_complaint("no answer", "no answer. B was asked."));
	CHECK(!report_same_complaint("no answer. A was asked.", "no network. A was asked."));
	CHECK(report_same_complaint("keep-alive server A: refused", "keep-alive server B: no answer"));
	CHECK(!report_same_complaint("keep-alive server A: refused", "STUN server A: refused"));
	CHECK(!report_same_complaint("keep-alive server A: refused", "no keep-alive server is heard any more"));
}

int
main(void)
{
	test_names();
	test_causes();
	test_valid();
	test_outer();
	test_reach();
	test_nonsense();
	test_error_text();
	test_news();
	test_complaints();
	return check_done();
}
