/* SPDX-License-Identifier: ISC */
/*
 * The duty to probe a NAT every second, for all mappings behind it (neighbours.h): one
 * TCP mapping of them has it, since its probes burden no STUN server.  It keeps it while
 * it is open, so that the duty does not wander.
 */
#ifndef WATCH_H
#define WATCH_H

#include "service.h"

/* s has a new worker, which has no duty until it is told. */
void watch_start(struct service *s);

/* The state of s, or of its worker, may be another one: chooses again among those behind
 * its NAT, and tells whom it concerns. */
void watch_choose(const struct service *s);

#endif
