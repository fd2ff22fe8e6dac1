/* SPDX-License-Identifier: ISC */
/*
 * The control of a filtering test: does the STUN server really answer from its alternate
 * address?  It is asked to at a fresh port that has written to that address before, so
 * that the NAT lets the answer in.  Only then does silence elsewhere mean something.
 * (Behind a NAT that maps by destination the answer never finds the port.)
 */
#ifndef NATCONTROL_H
#define NATCONTROL_H

#include "worker.h"

struct natcontrol;

/* Called once. */
typedef void natcontrol_done(void *context, bool obeys);

/* other is the server's alternate address and port. */
struct natcontrol *natcontrol_start(struct worker *worker, const struct server *server, const struct addr *other,
    natcontrol_done *done, void *context);
/* c may be NULL. */
void natcontrol_free(struct natcontrol *c);

#endif
