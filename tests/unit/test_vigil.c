/* SPDX-License-Identifier: ISC */
/*
 * The vigil over a mapping's connections: when their quiet is a doubt.
 * NEEDS: worker/vigil
 */
#include "check.h"

#include "vigil.h"

static void
test_doubt(void)
{
	struct vigil v = {0};

	vigil_begin(&v, 100);
	/* What was before is no silence. */
	CHECK(vigil_look(&v, 10, 101) == VIGIL_FINE);
	CHECK(vigil_look(&v, 11.4, 101.4) == VIGIL_UNSURE);
	CHECK(vigil_look(&v, 12.0, 102.0) == VIGIL_UNSURE);
	CHECK(vigil_look(&v, 12.2, 102.2) == VIGIL_DOUBT);
	CHECK(v.in_doubt);
	CHECK(vigil_look(&v, 12.5, 102.5) == VIGIL_UNSURE); /* said once */
	CHECK(vigil_look(&v, 0.1, 103) == VIGIL_HEARD);
	CHECK(!v.in_doubt && vigil_look(&v, 1.1, 104) == VIGIL_FINE);
}

/* Another witness says that all is well, and still nobody is heard. */
static void
test_excuse(void)
{
	struct vigil v = {0};

	vigil_begin(&v, 100);
	vigil_excuse(&v, 102);
	CHECK(vigil_look(&v, 2.2, 102.2) == VIGIL_DOUBT);
	vigil_excuse(&v, 102.3);
	CHECK(!v.in_doubt && v.falses == 1);
	CHECK(vigil_look(&v, 2.5, 102.5) == VIGIL_UNSURE);
	CHECK(vigil_look(&v, 4.3, 104.3) == VIGIL_UNSURE);
	CHECK(vigil_look(&v, 4.5, 104.5) == VIGIL_DOUBT);
}

/* Seconds of quiet that it takes. */
static double
find_patience(struct vigil *v, double now)
{
	double quiet = 1.5;

	while (vigil_look(v, quiet, now + quiet) != VIGIL_DOUBT && quiet < 60)
		quiet += 0.1;
	return quiet;
}

static void
test_patience(void)
{
	struct vigil v = {0};
	double now = 1000, first, last;
	int i;

	vigil_begin(&v, 0);
	vigil_look(&v, 0, now);
	first = find_patience(&v, now);
	CHECK(first > 2.0 && first < 2.4);
	vigil_settle(&v, true);
	/* A few false doubts a minute cost nothing, many do. */
	CHECK(find_patience(&v, now) < 2.4);
	vigil_settle(&v, true);
	for (i = 0; i < 20; i++) {
		find_patience(&v, now);
		vigil_settle(&v, true);
	}
	last = find_patience(&v, now);
	CHECK(last > 4 && last < 13);
	/* True ones do not count, and false ones are forgotten. */
	vigil_settle(&v, false);
	for (i = 0; i < 15; i++)
		vigil_look(&v, 0, now += 61);
	CHECK(find_patience(&v, now) < 2.4);
}

int
main(void)
{
	test_doubt();
	test_excuse();
	test_patience();
	return check_done();
}
