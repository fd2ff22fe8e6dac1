/* SPDX-License-Identifier: ISC */
/*
 * The one place where "a report changed" becomes log lines, the status file,
 * the hook, and what an observer makes of it.  Decides nothing about workers.
 */
#ifndef PUBLISH_H
#define PUBLISH_H

#include "service.h"

/* Somebody who tells people by other means than the log: told of every report that
 * says something new.  What the log would say of it is then for debugging. */
typedef void publish_observer(const struct service *s, const struct report *old);
void publish_set_observer(publish_observer *observer);

/* s->report has just replaced old: tells everybody who should know.  Keeps
 * s->state_since, s->last_outer, s->event and s->old_outer. */
void publish_report(struct service *s, const struct report *old);

#endif
