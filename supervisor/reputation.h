/* SPDX-License-Identifier: ISC */
/*
 * Servers that failed, whichever worker met it, and until when they are left alone: 30 s
 * after the first failure, then 60, 120 .. 600 s, each a little longer by chance.  An
 * address with its port is a server, and its TCP another one than its UDP: many STUN
 * servers have only one of the two.  Times are seconds on the monotonic clock.
 */
#ifndef REPUTATION_H
#define REPUTATION_H

#include <stdbool.h>
#include <stdint.h>

#include "mapping.h"

#define REPUTATION_REST_FIRST 30
#define REPUTATION_REST_MAX 600

/* It failed.  Returns for how many seconds it is left alone from now on; 0: it was resting
 * already, which is no news. */
unsigned int reputation_fail(enum protocol protocol, const struct addr *server, int64_t now);

/* It is good again, or nobody's any more: everything is forgotten. */
void reputation_clear(enum protocol protocol, const struct addr *server);
void reputation_clear_all(void);

/* Until when it is left alone; it may be in the past.  0: it did not fail lately. */
int64_t reputation_rest_until(enum protocol protocol, const struct addr *server);

/* Clears those that are not used. */
void reputation_keep(bool (*is_used)(enum protocol protocol, const struct addr *server));

#endif
