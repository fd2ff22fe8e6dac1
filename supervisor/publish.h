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
 * s->state_since and s->last_outer.  A mapping that comes back with the address
 * that was last published does not run its hook again. */
void publish_report(struct service *s, const struct report *old);

#endif
