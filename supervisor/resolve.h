/* SPDX-License-Identifier: ISC */
/*
 * Names to addresses, once for all mappings.  Each look-up runs in a short-lived
 * child, so that a resolver that hangs or is fed a hostile answer harms nothing:
 * this process never parses a byte from the network.  Names that failed are
 * asked again after 1, 2, 4 .. 60 s, all of them every ten minutes, each time a
 * little later by chance, and an address once known is kept while its name fails.
 */
#ifndef RESOLVE_H
#define RESOLVE_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

#include "config.h"

/* Begins to look up every name of config's mappings.  changed is
 * called whenever an address was learned, or a name without one could not be resolved.  Returns 0, or -1 with errno. */
int resolve_open(struct event_base *base, const struct config *config, void (*changed)(void));
void resolve_close(void);

/* From now on the names are those of config, which may go away afterwards; those of before that
 * it does not have are forgotten if forget is set.  What has no address is looked up. */
void resolve_change(const struct config *config, bool forget);

/* Begins to look up those of these names that have no address; the resolver must be open. */
void resolve_add(const struct config_hosts *hosts);
/* Is each of these names known, or known to fail? */
bool resolve_is_settled(const struct config_hosts *hosts);

/* The network changed, or somebody asks: looks up at once what failed. */
void resolve_again(void);

/* The servers of a mapping as far as they are known: addresses of its own
 * family, the first address of each name before the second of any, and whether none
 * of the STUN servers' names can be resolved. */
void resolve_servers(const struct config_mapping *mapping, struct servers *out);
/* The same for these STUN servers, without any other. */
void resolve_stun(const struct config_hosts *hosts, sa_family_t family, struct servers *out);

/* spawn.c: a child that nobody else knows has ended.  True if it was one of ours. */
bool resolve_reaped(pid_t pid);

#endif
