/* SPDX-License-Identifier: ISC */
/*
 * How a worker gives up every privilege before it talks to the network.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "mapping.h"

/* As root: makes an empty directory that no longer exists its root, drops the bounding set
 * and the supplementary groups and becomes the mapping's user and group for good.  In any
 * case: drops every capability, sets no_new_privs, cannot be traced or leave a core, dies
 * with its parent, can make no process and no file, gets no further than fence.h lets it, with
 * the port of the mapping's target, and at last makes nothing but the system calls of filter.h.
 * What does not work is fatal, but for what is in the set that it returns, of enum confinement:
 * that held.  The event loop must exist by then. */
uint32_t sandbox_enter(const struct mapping *mapping);

#endif
