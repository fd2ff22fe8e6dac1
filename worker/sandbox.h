/* SPDX-License-Identifier: ISC */
/*
 * How a worker gives up every privilege before it talks to the network.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "mapping.h"

/* As root: drops the bounding set and the supplementary groups and becomes the
 * mapping's user and group for good.  In any case: drops every capability, sets
 * no_new_privs, and dies with its parent.  What does not work is fatal. */
void sandbox_enter(const struct mapping *mapping);

#endif
