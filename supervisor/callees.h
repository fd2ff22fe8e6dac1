/* SPDX-License-Identifier: ISC */
/*
 * Whom natterd connects the TCP sockets of a worker to.  The worker itself cannot connect to
 * anything but its target's port: so it gets no further than this list, even if somebody took
 * it over.
 */
#ifndef CALLEES_H
#define CALLEES_H

#include <stdbool.h>

#include "mapping.h"
#include "message.h"
#include "quota.h"

#define CALLEES_MAX (2 * SERVERS_MAX)

struct callee_list {
	uint32_t count;
	struct addr list[CALLEES_MAX];
};

/* Zero-filled: nobody. */
struct callees {
	struct callee_list servers; /* that the worker was told of ... */
	struct callee_list before;  /* ... and those before, who may still be asked */
	bool stun_is_private;       /* one that can see an outer address in a private network */
	struct addr outer;          /* what it says its outer address is */
	struct quota hairpins;
	unsigned int strangers;     /* others that the worker of a check was connected to */
};

/* The worker is told of these. */
void callees_set_servers(struct callees *c, const struct servers *servers);
/* The worker says that this is its outer address, which may be unset. */
void callees_set_outer(struct callees *c, const struct addr *outer);

/* May a socket for this use be connected to that address?  Its servers and its target it may call
 * always; with a fresh socket now and then its own outer address, if this machine does not have it.
 * A check may call NAT_STRANGERS_MAX others: a server's other addresses, of which only the
 * worker is told, its outer address, and what nobody has.  None of these is in a private network, unless
 * a STUN server is. */
bool callees_include(struct callees *c, const struct mapping *mapping, enum socket_use use, const struct addr *to);

#endif
