/* SPDX-License-Identifier: ISC */
/*
 * The table of mappings becomes that of another configuration: mark and sweep by name.
 */
#ifndef RELOAD_SERVICES_H
#define RELOAD_SERVICES_H

#include "config.h"

/* How many mappings went on as they were, went on with other settings, were given another worker
 * for another address, port or protocol, began and ended. */
struct reload_counts {
	unsigned int kept;
	unsigned int changed;
	unsigned int replaced;
	unsigned int added;
	unsigned int removed;
};

/* Afterwards every service points into config, whose ports must be assigned, and none into the
 * configuration of before.  Names that are new to the resolver are looked up; forget as in
 * resolve_change. */
struct reload_counts reload_services(const struct config *config, bool forget);

#endif
