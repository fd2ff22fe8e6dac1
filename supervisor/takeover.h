/* SPDX-License-Identifier: ISC */
/*
 * What is said of a mapping whose worker died while it was open: its address still stands,
 * since its sockets are held (held.h), and is in doubt until the next worker has found out.
 * Decides nothing about processes and sockets.
 */
#ifndef TAKEOVER_H
#define TAKEOVER_H

#include <stdbool.h>

#include "report.h"

struct takeover {
	bool running;
	struct report latest; /* what is true if it fails now */
};

/* The worker whose last report was *published is gone, for the reason in plain words.
 * Returns what to publish from now on. */
struct report takeover_begin(struct takeover *t, const struct report *published, const char *why);

/* The next worker reports: is this a step on the way, not to be published yet?  If not, the
 * takeover has ended. */
bool takeover_withholds(struct takeover *t, const struct report *report);

#endif
