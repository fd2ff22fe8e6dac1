/* SPDX-License-Identifier: ISC */
/*
 * A mapping whose configuration was changed: the session goes on with the new one.
 */
#ifndef CHANGE_H
#define CHANGE_H

#include "mapping.h"

/* session is a struct session, whose mapping is *mapping from now on: the handler of
 * uplink_handlers.on_mapping. */
void session_change(void *session, const struct mapping *mapping);

#endif
