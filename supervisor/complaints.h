/* SPDX-License-Identifier: ISC */
/*
 * What was already said of a mapping's trouble.  While it lasts, one try fails for this
 * reason and the next for that one, with each server in turn: each reason is said once.
 */
#ifndef COMPLAINTS_H
#define COMPLAINTS_H

#include <stdbool.h>

#include "report.h"

/* More reasons than take turns. */
#define COMPLAINTS_MAX 4

/* Zero-filled: nothing was said. */
struct complaints {
	char said[COMPLAINTS_MAX][REPORT_ERROR_SIZE];
	unsigned int count; /* since the trouble began; the last COMPLAINTS_MAX are known */
};

/* Is error said for the first time?  It counts as said from then on. */
bool complaints_take(struct complaints *c, const char *error);
bool complaints_any(const struct complaints *c);
/* The trouble is over. */
void complaints_clear(struct complaints *c);

#endif
