/* SPDX-License-Identifier: ISC */
/*
 * The interval that is learned: what losses and quiet make of it, within its bounds.
 * NEEDS: worker/interval
 */
#include "interval.h"

#include "check.h"

#define DAY 86400.0

static struct interval interval;
static double now;

static void
begin(uint32_t shortest, uint32_t longest)
{
	now = 1000;
	interval_init(&interval, shortest, longest, now);
}

static uint32_t
seconds(void)
{
	return interval_seconds(&interval);
}

/* The hole outlives each pause, up to so long in all. */
static void
hold_for(double duration)
{
	double end = now + duration;

	while (now + seconds() <= end) {
		now += seconds();
		interval_held(&interval, seconds() * 0.9, now);
	}
	now = end;
}

static bool
lose(double idle)
{
	now += idle;
	return interval_lost(&interval, idle, now);
}

static void
test_begin(void)
{
	begin(2, 15);
	CHECK(seconds() == 10);
	begin(20, 60);
	CHECK(seconds() == 20);
	begin(1, 5);
	CHECK(seconds() == 5);
}

static void
test_jitter(void)
{
	double next, least = 100, most = 0;
	int n;

	begin(2, 15);
	for (n = 0; n < 1000; n++) {
		next = interval_next(&interval);
		least = next < least ? next : least;
		most = next > most ? next : most;
	}
	CHECK(least >= 9 && least < 9.1);
	CHECK(most <= 10 && most > 9.9);
}

static void
test_fixed(void)
{
	begin(7, 7);
	CHECK(!lose(7));
	hold_for(2 * DAY);
	CHECK(seconds() == 7);
}

static void
test_loss(void)
{
	begin(2, 15);
	CHECK(lose(10.0) && seconds() == 5);
	CHECK(lose(4.5) && seconds() == 2);
	CHECK(!lose(2.0) && seconds() == 2);
}

/* Such a loss has another reason. */
static void
test_loss_without_idleness(void)
{
	begin(2, 15);
	CHECK(!lose(4.9) && seconds() == 10);
	CHECK(!lose(0) && seconds() == 10);
	hold_for(4000);
	CHECK(seconds() == 15);
}

/* It never makes the interval longer, however long it is. */
static void
test_loss_after_an_outage(void)
{
	begin(2, 100);
	CHECK(!lose(60) && seconds() == 10);
	CHECK(!lose(1e12) && seconds() == 10);
	hold_for(DAY - 100);
	CHECK(seconds() == 42);
}

static void
test_growth_is_slow(void)
{
	begin(2, 15);
	hold_for(590);
	CHECK(seconds() == 10);
	hold_for(20);
	CHECK(seconds() == 11);
	hold_for(590);
	CHECK(seconds() == 11);
	hold_for(DAY);
	CHECK(seconds() == 15);
	begin(100, 1000);
	hold_for(1950);
	CHECK(seconds() == 100);
	hold_for(100);
	CHECK(seconds() == 110);
}

/* What kept the hole open was not the interval. */
static void
test_short_idleness_proves_nothing(void)
{
	int n;

	begin(2, 15);
	for (n = 0; n < 1000; n++) {
		now += 10;
		interval_held(&interval, 7.9, now);
	}
	CHECK(seconds() == 10);
}

static void
test_ceiling(void)
{
	begin(2, 60);
	CHECK(lose(10.0) && seconds() == 5);
	hold_for(DAY - 100);
	CHECK(seconds() == 7);
	hold_for(DAY);
	CHECK(seconds() > 10);
}

/* The shortest idleness that lost the hole counts, and the last loss. */
static void
test_ceiling_is_the_shortest(void)
{
	begin(2, 60);
	lose(10.0);
	lose(5.0);
	CHECK(seconds() == 2);
	lose(9.0);
	hold_for(DAY - 100);
	CHECK(seconds() == 3);
}

/* Trying out costs a hole: the second time it waits two days. */
static void
test_ceiling_comes_back(void)
{
	begin(2, 60);
	lose(10.0);
	hold_for(DAY + 5000);
	CHECK(seconds() >= 10);
	lose(10.0);
	CHECK(seconds() == 5);
	hold_for(2 * DAY - 100);
	CHECK(seconds() == 7);
	hold_for(DAY);
	CHECK(seconds() > 10);
}

/* A NAT that restarts every night does not make the interval shorter from day to day. */
static void
test_proved(void)
{
	int n;

	begin(2, 15);
	for (n = 0; n < 10; n++) {
		hold_for(DAY - 10);
		CHECK(seconds() == 15);
		CHECK(lose(14.0) && seconds() == 10);
	}
}

/* But one that has begun to forget sooner does, with the second loss. */
static void
test_proved_no_more(void)
{
	begin(2, 15);
	hold_for(DAY);
	CHECK(lose(14.0) && seconds() == 10);
	CHECK(lose(9.5) && seconds() == 4);
	hold_for(DAY - 100);
	CHECK(seconds() == 7);
}

static void
test_change(void)
{
	begin(2, 15);
	CHECK(lose(9.9) && seconds() == 4);
	interval_change(&interval, 1, 60, now);
	CHECK(seconds() == 4);
	interval_change(&interval, 6, 60, now);
	CHECK(seconds() == 6);
	interval_change(&interval, 2, 3, now);
	CHECK(seconds() == 3);
	interval_change(&interval, 3600, 3600, now);
	CHECK(seconds() == 3600);
	/* One that is fixed is not learned. */
	interval_change(&interval, 2, 100, now);
	CHECK(seconds() == 10);
	interval_change(&interval, 7, 7, now);
	CHECK(seconds() == 7 && !lose(7) && seconds() == 7);
}

int
main(void)
{
	test_begin();
	test_change();
	test_jitter();
	test_fixed();
	test_loss();
	test_loss_without_idleness();
	test_loss_after_an_outage();
	test_growth_is_slow();
	test_short_idleness_proves_nothing();
	test_ceiling();
	test_ceiling_is_the_shortest();
	test_ceiling_comes_back();
	test_proved();
	test_proved_no_more();
	return check_done();
}
