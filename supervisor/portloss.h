/* SPDX-License-Identifier: ISC */
/*
 * When a port that another program has is given up for another one: the last resort, as the
 * outside port changes with it.
 */
#ifndef PORTLOSS_H
#define PORTLOSS_H

#include <stdbool.h>
#include <stdint.h>

#include "mapping.h"

/* Seconds in which nothing but "Address already in use" came. */
#define PORTLOSS_SECONDS 30

struct portloss {
	bool lost;
	int64_t since; /* seconds on the monotonic clock */
};

/* A socket on the port was to be made: error is 0, or the errno that kept it from being made.
 * Returns true if the port is to be given up now. */
bool portloss_note(struct portloss *p, int error, int64_t now);

/* Logs who has the port, and what to do; or, of one that natterd chose, what natterd will do. */
void portloss_explain(const struct mapping *mapping, bool chosen);

#endif
