/* SPDX-License-Identifier: ISC */
/*
 * Where a mapping is bound while its address is gone.  A line that is dialled again may come
 * back with another address: then the one that the kernel would now use on the same interface
 * stands in for the one of natter.cfg, until that is back.
 */
#ifndef INTERFACE_H
#define INTERFACE_H

#include <net/if.h>
#include <stdbool.h>

#include "mapping.h"

struct interface {
	const struct mapping *mapping;
	char name[IF_NAMESIZE]; /* where the mapping's address was when it was last there; "": it never was */
	struct addr stand_in;   /* where its sockets are instead; unset: they are at the address itself */
	struct addr earlier;    /* the stand-in before: what was said of it may still be on its way */
};

/* Looks where the address is.  mapping must outlive it. */
void interface_init(struct interface *i, const struct mapping *mapping);
/* Looks again, as this machine's addresses may have changed. */
void interface_look(struct interface *i);

/* No socket can be bound to the mapping's address, as this machine does not have it
 * (EADDRNOTAVAIL): changes *mapping, a copy, to be bound to the one that stands in.  Returns 0, or
 * -1 with errno: EADDRNOTAVAIL if there is none, EADDRINUSE if another mapping has that port
 * there. */
int interface_substitute(struct interface *i, struct mapping *mapping);
/* The mapping, as it would be bound now. */
struct mapping interface_bound(const struct interface *i);
/* A socket is bound to the mapping's own address. */
void interface_note_bound(struct interface *i);

/* Is it an address that a socket of the mapping may have: its own, or the one that stands in? */
bool interface_has(const struct interface *i, const struct addr *a);
/* The same, or one that it had until just now. */
bool interface_had(const struct interface *i, const struct addr *a);

#endif
