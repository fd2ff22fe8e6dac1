/* SPDX-License-Identifier: ISC */
/*
 * What every part of a worker's punching side is given: the loop, the way to
 * the supervisor, and the mapping.  Lives as long as the process.
 */
#ifndef WORKER_H
#define WORKER_H

#include <event2/event.h>

#include "mapping.h"
#include "measures.h"

struct uplink;

struct worker {
	struct event_base *base;
	struct uplink *uplink;
	struct mapping mapping;
	struct measures measures;
	uint32_t confinement; /* what of enum confinement holds */
	/* Client data that a socket of the punching side received in the moment
	 * between its bind and its connect. */
	void (*on_stray)(void *context, const struct addr *client, const void *data, size_t length);
	/* A client's connection that a hairpin probe took for its own for a moment; NULL:
	 * it is closed.  fd is the handler's. */
	void (*on_stray_connection)(void *context, const struct addr *client, int fd);
	void *stray_context; /* of both */
};

#endif
