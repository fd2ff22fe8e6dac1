/* SPDX-License-Identifier: ISC */
/*
 * The echo of a UDP mapping that has no target: what arrives goes back to its
 * sender, so that the owner can try the mapping from outside.  Another echo would
 * send the answer back, and so on: each peer (an address and a port) has a budget
 * of answers, and what finds it used up gets none, which ends such a loop unless
 * it turns so slowly that it harms nobody.
 */
#ifndef ECHO_H
#define ECHO_H

#include <event2/event.h>

#include "relay.h"

/* Services have their ports below this, echoes among them: they get no answer. */
#define ECHO_PORT_MIN 1024
/* The most datagrams that get an answer in one second, whoever sent them. */
#define ECHO_A_SECOND 1000
/* The budget of a peer at first and at most, and what comes back of it in a second. */
#define ECHO_BUDGET 256
#define ECHO_REFILL 4
/* What an answer takes from it that is the same as the last one: so one datagram that
 * goes around, the usual loop, ends unless each turn takes a second. */
#define ECHO_REPETITION 4
/* So many peers are remembered, those that were seen last. */
#define ECHO_PEERS 256

struct echo;

/* Serves the bound, unconnected, non-blocking datagram socket fd, which now
 * belongs to the echo.  counters must outlive it; there are no sessions, so only
 * its bytes are counted.  Returns NULL with errno; fd is closed then. */
struct echo *echo_open(struct event_base *base, int fd, struct relay_counters *counters);
/* A datagram that another socket on the port received; see relay_udp_inject. */
void echo_inject(struct echo *echo, const struct addr *client, const void *data, size_t length);
void echo_close(struct echo *echo);

#endif
