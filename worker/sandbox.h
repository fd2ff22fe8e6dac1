/* SPDX-License-Identifier: ISC */
/*
 * How a worker gives up every privilege before it talks to the network.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "mapping.h"

/* Becomes the mapping's user and group if this is root, and in any case drops
 * supplementary groups, every capability set and the way back, and dies with
 * its parent.  Anything that does not work is fatal. */
void sandbox_enter(const struct mapping *mapping);

#endif
