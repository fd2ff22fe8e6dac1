/* SPDX-License-Identifier: ISC */
/*
 * What is counted and measured of a mapping, as record.c's table wants it: numbers, and the
 * parts of those that are several, by their index and up to the first without a name.
 */
#ifndef COUNTS_H
#define COUNTS_H

#include <stdint.h>

#include "service.h"

/* Since natterd started, over all of the mapping's workers. */
uint64_t counts_restarts(const struct service *s);
uint64_t counts_holes_lost(const struct service *s);
uint64_t counts_connections_total(const struct service *s);
uint64_t counts_bytes_in(const struct service *s);
uint64_t counts_bytes_out(const struct service *s);

/* Now. */
uint64_t counts_connections(const struct service *s);
uint64_t counts_keep_alive_interval(const struct service *s);   /* seconds; 0: none yet */
uint64_t counts_keep_alive_round_trip(const struct service *s); /* microseconds; 0: none yet */
uint64_t counts_stun_round_trip(const struct service *s);       /* likewise */

/* Events of the outer address, and how many of each there were. */
const char *counts_event_name(unsigned int i);
uint64_t counts_changes(const struct service *s, unsigned int i);

/* Causes of failures, and how many each had. */
const char *counts_cause_name(unsigned int i);
uint64_t counts_failures(const struct service *s, unsigned int i);

/* Why clients were refused, and how often for each. */
const char *counts_refusal_name(unsigned int i);
uint64_t counts_refused(const struct service *s, unsigned int i);

#endif
