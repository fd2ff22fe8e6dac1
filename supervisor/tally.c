/* SPDX-License-Identifier: ISC */
/*
 * Sums over workers; see tally.h.
 */
#include "tally.h"

/* Nobody counts as far as this in earnest; a liar's counters stay where they are then. */
static uint64_t
sum_of(uint64_t before, uint64_t count)
{
	return count > INT64_MAX - before ? INT64_MAX : before + count;
}

static struct tally_counts
total_with(const struct tally_counts *before, const struct report *r)
{
	struct tally_counts sum;
	int i;

	sum.connections = sum_of(before->connections, r->connections_total);
	sum.bytes_in = sum_of(before->bytes_in, r->bytes_in);
	sum.bytes_out = sum_of(before->bytes_out, r->bytes_out);
	sum.holes_lost = sum_of(before->holes_lost, r->holes_lost);
	for (i = 0; i < CAUSE_COUNT; i++)
		sum.failures[i] = sum_of(before->failures[i], r->failures[i]);
	for (i = 0; i < REFUSAL_COUNT; i++)
		sum.refused[i] = sum_of(before->refused[i], r->refused[i]);
	return sum;
}

static bool
is_less(const struct tally_counts *a, const struct tally_counts *b)
{
	int i;

	for (i = 0; i < CAUSE_COUNT; i++)
		if (a->failures[i] < b->failures[i])
			return true;
	for (i = 0; i < REFUSAL_COUNT; i++)
		if (a->refused[i] < b->refused[i])
			return true;
	return a->connections < b->connections || a->bytes_in < b->bytes_in || a->bytes_out < b->bytes_out ||
	       a->holes_lost < b->holes_lost;
}

bool
tally_take_report(struct tally *t, const struct report *r)
{
	struct tally_counts sum = total_with(&t->before, r);

	if (is_less(&sum, &t->total))
		return false;
	t->total = sum;
	return true;
}

void
tally_next_worker(struct tally *t)
{
	t->before = t->total;
}

void
tally_count(struct tally *t, enum cause cause)
{
	t->total.failures[cause] = sum_of(t->total.failures[cause], 1);
	t->before.failures[cause] = sum_of(t->before.failures[cause], 1);
}
