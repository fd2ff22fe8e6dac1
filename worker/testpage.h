/* SPDX-License-Identifier: ISC */
/*
 * The page that says "It works!": answers the HTTP requests of a TCP mapping
 * that has no target, so that its owner can try it from outside.  Whoever
 * connects costs a bounded time and a bounded amount of memory.
 */
#ifndef TESTPAGE_H
#define TESTPAGE_H

#include <event2/event.h>

#include "relay.h"

/* A connection is over after so many seconds, whatever its client does. */
#define TESTPAGE_SECONDS 10
/* So many at a time; one more takes the place of the oldest. */
#define TESTPAGE_CONNECTIONS 64
/* The most bytes that a request's head may have. */
#define TESTPAGE_HEAD_MAX 8192

struct testpage;

/* counters must outlive it.  Returns NULL without memory. */
struct testpage *testpage_new(struct event_base *base, unsigned int seconds, struct relay_counters *counters);
void testpage_free(struct testpage *page);

/* Takes over a client's non-blocking descriptor.  Returns 0, or -1 with errno
 * ENOMEM; fd is closed then. */
int testpage_start(struct testpage *page, int fd);

#endif
