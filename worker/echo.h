/* SPDX-License-Identifier: ISC */
/*
 * The echo of a UDP mapping that has no target: what arrives goes back to its
 * sender, so that the owner can try the mapping from outside.  Nobody can use
 * it to make other machines, or two echoes, talk without end.
 */
#ifndef ECHO_H
#define ECHO_H

#include <event2/event.h>

#include "relay.h"

/* Services have their ports below this, echoes among them: they get no answer. */
#define ECHO_PORT_MIN 1024
/* The most datagrams that get an answer in one second. */
#define ECHO_A_SECOND 1000

struct echo;

/* Serves the bound, unconnected, non-blocking datagram socket fd, which now
 * belongs to the echo.  counters must outlive it; there are no sessions, so only
 * its bytes are counted.  Returns NULL with errno; fd is closed then. */
struct echo *echo_open(struct event_base *base, int fd, struct relay_counters *counters);
/* A datagram that another socket on the port received; see relay_udp_inject. */
void echo_inject(struct echo *echo, const struct addr *client, const void *data, size_t length);
void echo_close(struct echo *echo);

#endif
