/* SPDX-License-Identifier: ISC */
/*
 * The events of an outer address and their names; see outer_event.h.
 */
#include "outer_event.h"

static const char *const names[OUTER_EVENT_COUNT] = {
    [OUTER_SAME] = "",
    [OUTER_UP] = "up",
    [OUTER_CHANGE] = "change",
    [OUTER_DOWN] = "down",
};

const char *
outer_event_name(enum outer_event event)
{
	return names[event];
}

enum outer_event
outer_event_between(const struct addr *was, const struct addr *now)
{
	if (!addr_is_set(now))
		return addr_is_set(was) ? OUTER_DOWN : OUTER_SAME;
	if (!addr_is_set(was))
		return OUTER_UP;
	return addr_equal(was, now) ? OUTER_SAME : OUTER_CHANGE;
}
