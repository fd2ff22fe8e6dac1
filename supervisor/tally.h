/* SPDX-License-Identifier: ISC */
/*
 * What was counted of a mapping since natterd started, by whichever of its workers: what one
 * that died had counted is not lost, but for what it had not told yet, a second's at most.
 */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "report.h"

struct tally_counts {
	uint64_t connections, bytes_in, bytes_out, holes_lost;
	uint64_t failures[CAUSE_COUNT];
	uint64_t refused[REFUSAL_COUNT];
};

/* Zero-filled: nothing was counted. */
struct tally {
	struct tally_counts total;
	struct tally_counts before; /* of it: what was counted before the present worker */
};

/* The present worker's report, also one that is not believed or published yet.  Returns false,
 * and nothing was taken, if it counts less than the same worker did before. */
bool tally_take_report(struct tally *t, const struct report *r);
/* Another worker begins to count at 0. */
void tally_next_worker(struct tally *t);
/* A failure that no worker tells. */
void tally_count(struct tally *t, enum cause cause);

#endif
