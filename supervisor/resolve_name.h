/* SPDX-License-Identifier: ISC */
/*
 * What is known of a server's name, for the two halves of the resolver: resolve.c, which looks it
 * up, and resolve_servers.c, which makes lists of servers.
 */
#ifndef RESOLVE_NAME_H
#define RESOLVE_NAME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lookup.h"

struct resolve_name {
	uint32_t id; /* its own for ever: a child may answer when others are gone */
	char host[ADDR_HOST_SIZE];
	struct addr addresses[LOOKUP_ADDRESSES_MAX]; /* port 0 */
	uint32_t count;
	bool numeric;
	bool failing; /* the last look-up failed; logged once */
	bool answered; /* the last child wrote its answer */
	pid_t pid;     /* the child that is looking it up, or 0 */
};

/* NULL: nobody asked for it.  It may move with the next name that is added or forgotten. */
struct resolve_name *resolve_find(const char *host);

#endif
