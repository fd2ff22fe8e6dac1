/* SPDX-License-Identifier: ISC */
/*
 * takeover.c: what is said of a mapping between two workers.
 * NEEDS: supervisor/takeover
 */
#include "takeover.h"

#include <bsd/string.h>

#include "check.h"

static struct takeover t;

static struct report
report_of(enum state state, const char *outer)
{
	struct report r;

	memset(&r, 0, sizeof(r));
	r.state = state;
	if (outer != NULL)
		CHECK(addr_parse(outer, 0, &r.outer) == 0);
	return r;
}

static void
begin(void)
{
	struct report open = report_of(STATE_OPEN, "203.0.113.7:40123"), doubt;

	open.since = 1795000000;
	open.reach = REACH_REACHABLE;
	open.connections = 3;
	open.bytes_in = 1000;
	doubt = takeover_begin(&t, &open, "its worker was killed");
	CHECK(t.running && report_is_valid(&doubt) && report_is_valid(&t.latest));
	CHECK(doubt.state == STATE_DEGRADED && addr_equal(&doubt.outer, &open.outer));
	CHECK(doubt.since == open.since && doubt.reach == open.reach);
	CHECK(doubt.connections == 0 && doubt.bytes_in == 0);
	CHECK_TEXT(doubt.error, "its worker was killed; the next one takes over");
	CHECK_TEXT(t.latest.error, "its worker was killed, and the next one did not take over in time");
}

static bool
withholds(enum state state, const char *outer)
{
	struct report r = report_of(state, outer);

	return takeover_withholds(&t, &r);
}

/* The steps on the way are not told, but known if it comes to nothing. */
static void
test_steps(void)
{
	begin();
	CHECK(withholds(STATE_WAITING, NULL) && withholds(STATE_CONNECTING, NULL) && withholds(STATE_PROBING, NULL));
	CHECK(t.running && t.latest.state == STATE_PROBING);
}

static void
test_ends(void)
{
	begin();
	CHECK(!withholds(STATE_OPEN, "203.0.113.7:40123") && !t.running);
	CHECK(!withholds(STATE_CONNECTING, NULL));
	begin();
	CHECK(!withholds(STATE_DEGRADED, "203.0.113.7:40123") && !t.running);
	begin();
	CHECK(!withholds(STATE_BACKOFF, NULL) && !t.running);
}

int
main(void)
{
	test_steps();
	test_ends();
	return check_done();
}
