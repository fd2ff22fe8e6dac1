/* SPDX-License-Identifier: ISC */
/*
 * The one place where "a report changed" becomes log lines, the status file and
 * the hook.  Decides nothing about workers.
 */
#ifndef PUBLISH_H
#define PUBLISH_H

#include "service.h"

/* s->report has just replaced old: tells everybody who should know.  Keeps
 * s->state_since and s->last_outer.  A mapping that comes back with the address
 * that was last published does not run its hook again. */
void publish_report(struct service *s, const struct report *old);

#endif
