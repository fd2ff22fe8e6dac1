/* SPDX-License-Identifier: ISC */
/*
 * The one place where "a report changed" becomes log lines, the status file,
 * the hook, and what observers make of it.  Decides nothing about workers.
 */
#ifndef PUBLISH_H
#define PUBLISH_H

#include "service.h"

#define PUBLISH_OBSERVERS_MAX 4

/* Somebody who is told of every report that says something new, after all others. */
typedef void publish_observer(const struct service *s, const struct report *old);
void publish_add_observer(publish_observer *observer);
/* People are told by other means than the log: what that would say of their mappings'
 * troubles is for debugging from now on. */
void publish_quiet_log(void);

/* s->report has just replaced old: tells everybody who should know.  Keeps
 * s->state_since, s->last_outer, s->event, s->changes and s->old_outer. */
void publish_report(struct service *s, const struct report *old);

#endif
