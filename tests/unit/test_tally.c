/* SPDX-License-Identifier: ISC */
/*
 * What was counted goes up only, whatever becomes of the workers that counted it.
 * NEEDS: supervisor/tally
 */
#include "tally.h"

#include "check.h"

static struct tally t;

static bool
take(uint64_t connections, uint64_t bytes, uint32_t holes_lost, uint64_t silences)
{
	struct report r = {.connections_total = connections, .bytes_in = bytes, .bytes_out = 2 * bytes,
	    .holes_lost = holes_lost};

	r.failures[CAUSE_STUN_SILENT] = silences;
	return tally_take_report(&t, &r);
}

static void
check(uint64_t connections, uint64_t bytes, uint64_t holes_lost, uint64_t silences, uint64_t deaths)
{
	const struct tally_counts *c = &t.total;

	CHECK(c->connections == connections && c->bytes_in == bytes && c->bytes_out == 2 * bytes);
	CHECK(c->holes_lost == holes_lost && c->failures[CAUSE_STUN_SILENT] == silences);
	CHECK(c->failures[CAUSE_WORKER_DIED] == deaths && c->failures[CAUSE_NO_NETWORK] == 0);
}

int
main(void)
{
	tally_next_worker(&t);
	CHECK(take(1, 100, 0, 0));
	CHECK(take(3, 200, 1, 2));
	check(3, 200, 1, 2, 0);
	tally_count(&t, CAUSE_WORKER_DIED);
	check(3, 200, 1, 2, 1);
	tally_next_worker(&t);
	check(3, 200, 1, 2, 1);
	CHECK(take(0, 0, 0, 0)); /* its first report */
	check(3, 200, 1, 2, 1);
	CHECK(take(1, 10, 0, 1));
	check(4, 210, 1, 3, 1);
	tally_count(&t, CAUSE_WORKER_DIED);
	tally_next_worker(&t);
	tally_count(&t, CAUSE_WORKER_DIED); /* one that never said a word */
	tally_next_worker(&t);
	CHECK(take(2, 5, 4, 0));
	check(6, 215, 5, 3, 3);
	/* A liar: backwards, and further than anybody can count. */
	CHECK(!take(1, 5, 4, 0) && !take(2, 4, 4, 0) && !take(2, 5, 3, 0));
	check(6, 215, 5, 3, 3);
	CHECK(take(UINT64_MAX, 5, 4, UINT64_MAX));
	CHECK(take(UINT64_MAX, 5, 4, UINT64_MAX - 1)); /* it is as far as that goes */
	check(INT64_MAX, 215, 5, INT64_MAX, 3);
	tally_next_worker(&t);
	CHECK(take(1, 0, 0, 1));
	check(INT64_MAX, 215, 5, INT64_MAX, 3);
	return check_done();
}
