/* SPDX-License-Identifier: ISC */
/*
 * Who gets to the target: judges clients by the mapping's networks and limits, and counts and, now and then,
 * logs what is refused.  The same for connections and for UDP sessions, but that of sessions only their owner
 * knows whether another one can make room.  What comes from servers or from this machine's own tests
 * is never shown to it.
 */
#ifndef ADMISSION_H
#define ADMISSION_H

#include <stdbool.h>

#include "relay.h"

struct admission;

/* mapping, which may change, and counters must outlive it.  Returns NULL without memory. */
struct admission *admission_new(const struct mapping *mapping, struct relay_counters *counters);
/* a may be NULL. */
void admission_free(struct admission *a);

/* May it have one more connection or session?  If not, it was refused. */
bool admission_allows(struct admission *a, const struct addr *client);
/* The client did not get what it wanted, or has it no more: that is counted, and logged at most once a
 * minute for each of these reasons. */
void admission_refuse(struct admission *a, enum refusal refusal, const struct addr *client);

/* One of the client's begins, or has ended.  Returns 0, or -1 without memory to count it. */
int admission_enter(struct admission *a, const struct addr *client);
void admission_leave(struct admission *a, const struct addr *client);

/* The mapping's settings are other ones: each connection or session that is there is to be shown to
 * admission_keeps next. */
void admission_change(struct admission *a);
/* May it stay, as it is not above a limit alone?  If not, it was refused and is to end. */
bool admission_keeps(struct admission *a, const struct addr *client);

#endif
