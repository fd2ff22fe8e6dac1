/* SPDX-License-Identifier: ISC */
/*
 * What the session sees of the relays.  A relay takes over the descriptor that
 * serves the mapped port and carries its traffic to the target and back; it
 * shares nothing with the punching but the port number.
 */
#ifndef RELAY_H
#define RELAY_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cause.h"
#include "mapping.h"

struct uplink;

/* The counters that a relay keeps, and what it asks of their owner. */
struct relay_counters {
	uint64_t connections;       /* TCP connections or UDP sessions now */
	uint64_t connections_total;
	uint64_t bytes_in;          /* client to target */
	uint64_t bytes_out;         /* target to client */
	uint64_t ended;             /* since memory was given back */
	struct uplink *uplink;      /* gives connections to a target with a port that this process may not use */
	uint64_t refused[REFUSAL_COUNT];
	/* Called when one began, ended or was refused; NULL: nobody wants to know. */
	void (*on_connections)(void *context);
	/* Called when a client got no connection or session, or lost it; NULL: likewise. */
	void (*on_failure)(void *context, enum cause cause);
	/* Is what arrived no client's, but part of a question that this machine asked
	 * itself?  Then it is the owner's, who closes fd or gives it back through
	 * relay_tcp_inject.  Datagrams are shown if they come from nobody known.
	 * NULL: all are clients'. */
	bool (*claim_connection)(void *context, int fd, const struct addr *from);
	bool (*claim_datagram)(void *context, const struct addr *from, const void *data, size_t length);
	void *context;
};

/* Count the begin and the end of a connection or session, the end after its memory was freed. */
void relay_count_begin(struct relay_counters *c);
void relay_count_end(struct relay_counters *c);
void relay_count_refusal(struct relay_counters *c, enum refusal refusal);
/* A client does not get to the target for this errno: ETIMEDOUT if that is silent. */
void relay_count_failure(struct relay_counters *c, int error);

struct relay_tcp;
struct relay_udp;

/* Serves the bound, not yet listening, non-blocking stream socket fd, which
 * now belongs to the relay: clients get the target, or the test page if the
 * mapping wants that.  mapping and counters must outlive it.  Returns NULL with
 * errno if the socket cannot listen; fd is closed then. */
struct relay_tcp *relay_tcp_open(struct event_base *base, const struct mapping *mapping, int fd,
    struct relay_counters *counters);
/* A client's connection that claim_connection took, and that now is the relay's. */
void relay_tcp_inject(struct relay_tcp *relay, const struct addr *client, int fd);
/* The mapping's settings are other ones: they apply from now on, but a connection that has a
 * target keeps it. */
void relay_tcp_change(struct relay_tcp *relay);
/* The port is to be another program's: its socket is closed, and the connections go on. */
void relay_tcp_leave_port(struct relay_tcp *relay);
bool relay_tcp_has_port(const struct relay_tcp *relay);
/* After that: serves a socket like relay_tcp_open's, too.  Returns 0, or -1 with errno if it cannot
 * listen; fd is closed then. */
int relay_tcp_take_port(struct relay_tcp *relay, int fd);
void relay_tcp_close(struct relay_tcp *relay);

/* The same for the bound, unconnected, non-blocking datagram socket fd. */
struct relay_udp *relay_udp_open(struct event_base *base, const struct mapping *mapping, int fd,
    struct relay_counters *counters);
/* A client's datagram that another socket on the port received, in the moment
 * between its bind and its connect: treated as if it had come the usual way. */
void relay_udp_inject(struct relay_udp *relay, const struct addr *client, const void *data, size_t length);
/* The mapping's settings are other ones: they apply from now on, but a session keeps its target. */
void relay_udp_change(struct relay_udp *relay);
void relay_udp_close(struct relay_udp *relay);

#endif
