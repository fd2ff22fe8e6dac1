/* SPDX-License-Identifier: ISC */
/*
 * What can happen to an outer address: the events that hooks are told, and that
 * the field table shows.
 */
#ifndef OUTER_EVENT_H
#define OUTER_EVENT_H

#include "addr.h"

enum outer_event {
	OUTER_SAME,   /* nothing; as a mapping's last event: none yet */
	OUTER_UP,     /* an address is known and none was */
	OUTER_CHANGE, /* another one is known */
	OUTER_DOWN,   /* the one that was known is gone */
	OUTER_EVENT_COUNT
};

/* What happened if was became now; each may be unset. */
enum outer_event outer_event_between(const struct addr *was, const struct addr *now);

/* "", "up", "change", "down". */
const char *outer_event_name(enum outer_event event);

#endif
