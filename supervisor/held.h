/* SPDX-License-Identifier: ISC */
/*
 * The sockets of a mapping that outlive its worker: a duplicate of the one that serves the
 * port, and of the last few keep-alive connections.  While a worker lives they only lie
 * here.  When it dies, clients wait in the listener's queue, or their datagrams in the
 * socket, and the connections keep the NAT's hole open, until the next worker asks for a
 * socket of the same use and is given them.
 */
#ifndef HELD_H
#define HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "interface.h"
#include "mapping.h"
#include "message.h"

/* Two that are up, and their successors on the way. */
#define HELD_KEEPS_MAX 4

struct held_socket {
	int fd;
	enum socket_use use;
	bool inherited; /* from a worker that is gone, and not given to another one yet */
	int64_t given;  /* seconds on the monotonic clock */
};

struct held {
	const struct mapping *mapping;
	const struct interface *interface;
	size_t count;
	struct held_socket sockets[HELD_KEEPS_MAX + 1]; /* the one given first is first */
};

/* Both must outlive it. */
void held_init(struct held *h, const struct mapping *mapping, const struct interface *interface);

/* Returns an inherited socket of this use, which belongs to the caller from then on, or -1
 * if there is none; what the dead worker has tampered with (untouched.h) is none.  Of SOCKET_KEEP it is a connection that both sides still have open. */
int held_take(struct held *h, enum socket_use use);

/* The worker was given fd: it is held if sockets of its use outlive a worker, else closed.
 * A new one that serves takes the old one's place.  h may be NULL: nothing is held. */
void held_put(struct held *h, enum socket_use use, int fd);

/* The one of this use that was given last, which stays held; -1: there is none. */
int held_find(const struct held *h, enum socket_use use);
/* Those of this use are not to outlive the worker any more; one that it has is its own. */
void held_forget(struct held *h, enum socket_use use);

/* The worker is gone: what is of use to the next one waits for it, the rest ends. */
void held_inherit(struct held *h);

/* Nobody asked for what is still inherited: it ends, connections with a reset. */
void held_end_inherited(struct held *h);

/* Everything ends, connections with a reset. */
void held_end(struct held *h);

#endif
