/* SPDX-License-Identifier: ISC */
/*
 * How often a mapping's news is heard: a few times at once, and then once a second, with what is
 * true by then.  What follows from news (status file, log, hook, neighbours, watchers) costs more
 * than to make it up.
 */
#ifndef HEARING_H
#define HEARING_H

#include <event2/event.h>
#include <stdbool.h>

#include "bucket.h"
#include "report.h"

struct hearing {
	struct bucket bucket;
	struct event *timer;
	struct report *latest; /* that is not heard yet, with the timer pending; NULL: none */
	void (*heard)(void *context, const struct report *r);
	void *context;
};

/* heard is called at once for a report that is due, or later by the loop. */
void hearing_init(struct hearing *h, struct event_base *base, void (*heard)(void *context, const struct report *r),
    void *context);
void hearing_free(struct hearing *h);

/* A report that says something new, or only counts. */
void hearing_take(struct hearing *h, const struct report *r, bool is_news);

/* What was not heard yet is not true any more. */
void hearing_forget(struct hearing *h);

#endif
