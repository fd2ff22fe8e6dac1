/* SPDX-License-Identifier: ISC */
/*
 * The connections of a TCP mapping: each is a client, a socket of its own to
 * the target, and a pump in either direction.
 */
#ifndef CONNECTIONS_H
#define CONNECTIONS_H

#include <event2/event.h>
#include <stdbool.h>

#include "mapping.h"
#include "relay.h"

struct connections;

/* mapping and counters must outlive it.  Returns NULL without memory. */
struct connections *connections_new(struct event_base *base, const struct mapping *mapping,
    struct relay_counters *counters);
/* Resets what is still connected. */
void connections_free(struct connections *all);

/* The mapping's settings are other ones and apply to all connections, but those that have a
 * target keep it. */
void connections_change(struct connections *all);

/* Takes over a client's non-blocking descriptor.  A target that cannot be
 * reached ends that client and is logged; that is no error here.  Returns 0, or
 * -1 with errno if there is no room for a connection: see
 * net_is_shortage. */
int connections_start(struct connections *all, int fd, const struct addr *peer);

#endif
