/* SPDX-License-Identifier: ISC */
/*
 * Sums over workers; see tally.h.
 */
#include "tally.h"

void
tally_take_report(struct tally *t, const struct report *r)
{
	const struct tally_counts *b = &t->before;
	struct tally_counts *sum = &t->total;
	int i;

	sum->connections = b->connections + r->connections_total;
	sum->bytes_in = b->bytes_in + r->bytes_in;
	sum->bytes_out = b->bytes_out + r->bytes_out;
	sum->holes_lost = b->holes_lost + r->holes_lost;
	for (i = 0; i < CAUSE_COUNT; i++)
		sum->failures[i] = b->failures[i] + r->failures[i];
	for (i = 0; i < REFUSAL_COUNT; i++)
		sum->refused[i] = b->refused[i] + r->refused[i];
}

void
tally_next_worker(struct tally *t)
{
	t->before = t->total;
}

void
tally_count(struct tally *t, enum cause cause)
{
	t->total.failures[cause]++;
	t->before.failures[cause]++;
}
