/* SPDX-License-Identifier: ISC */
/*
 * Can the mapping be reached, as far as that can be known from inside?  TCP: a hairpin
 * probe; UDP: a STUN answer from a stranger, and failing that a hairpin probe.  Says
 * what was seen and never guesses; but a hairpin probe is our own, which may turn
 * around at the nearest NAT and tests no firewall further out.
 */
#ifndef REACH_H
#define REACH_H

#include <stdbool.h>

#include "report.h"
#include "worker.h"

struct reach_test;

/* What was found out, once for each reach_begin. */
typedef void reach_found(void *context, enum reach reach);

/* *servers must outlive it and may change: then reach_note_servers is due. */
struct reach_test *reach_new(struct worker *worker, const struct servers *servers, reach_found *found, void *context);
void reach_free(struct reach_test *r);

/* The mapped port may write to the servers from now on: they are no strangers. */
void reach_note_servers(struct reach_test *r);

/* Begins to find out for a new outer address, and forgets the last one. */
void reach_begin(struct reach_test *r, const struct addr *outer);
void reach_stop(struct reach_test *r);
bool reach_is_running(const struct reach_test *r);

/* Is what arrived on the mapped port no client's but its own?  As hairpin.h says. */
bool reach_claim_connection(struct reach_test *r, int fd, const struct addr *from);
bool reach_claim_datagram(struct reach_test *r, const struct addr *from, const void *data, size_t length);

#endif
