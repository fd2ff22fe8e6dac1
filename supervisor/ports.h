/* SPDX-License-Identifier: ISC */
/*
 * The memory of ports that natterd chose by itself, in state_dir/ports: an
 * outside port can only stay the same over restarts if the inside port does.
 *
 *     tcp web 23456
 *     udp game 11007
 */
#ifndef PORTS_H
#define PORTS_H

#include <event2/event.h>

#include "config.h"

/* Before all others, and after them. */
void ports_open(struct event_base *base);
void ports_close(void);

/* Gives every mapping whose port is 0 the remembered one, or a random one that
 * is free, and remembers it.  One that is in use (ports_use) keeps its port, also if only its name
 * is another one now.  Returns 0, or -1 with the error logged if a mapping could not get any port;
 * a memory that cannot be read or written is only warned about, and written as soon as it can. */
int ports_assign(struct config *config);

/* From now on these mappings, with their ports assigned, are those in use.  config must live
 * until it is called again. */
void ports_use(struct config *config);

/* Did ports_assign give the mapping of this name, which is in use, its port? */
bool ports_is_chosen(const char *name);

/* Gives the mapping, of which ports_assign chose the port, another one, and remembers it.
 * Returns 0, or -1 with errno. */
int ports_replace(struct mapping *mapping);

/* Gives the mapping a random port that is free and belongs to no mapping of config.
 * Returns 0, or -1 with errno. */
int ports_choose(const struct config *config, struct mapping *mapping);

#endif
