/* SPDX-License-Identifier: ISC */
/*
 * Asking an address that nobody has.  An answer proves that something on the way
 * answers in place of servers: a transparent proxy.
 */
#ifndef NATDARK_H
#define NATDARK_H

#include "nat.h"
#include "worker.h"

struct natdark;

/* NAT_YES: somebody answered; NAT_NO: nobody did; NAT_UNKNOWN: nothing could be sent. */
typedef void natdark_done(void *context, enum nat_answer answered);

/* Asks at the ports of STUN and, over TCP, of web servers too, for at most 3.5 s.
 * The handler is called once and frees it. */
struct natdark *natdark_start(struct worker *worker, const struct addr *unused, natdark_done *done, void *context);
void natdark_free(struct natdark *d);

#endif
