/* SPDX-License-Identifier: ISC */
/*
 * The NAT check of one protocol (RFC 5780): a TASK_CHECK
 * worker's whole work.  It waits for its servers, asks, sends one struct
 * nat_report up, and then waits to be ended.  It only observes; what follows
 * from it for the user is said elsewhere.
 */
#ifndef NATCHECK_H
#define NATCHECK_H

#include "worker.h"

struct natcheck;

/* Takes part in the uplink from now on. */
struct natcheck *natcheck_new(struct worker *worker);
void natcheck_free(struct natcheck *check);

#endif
