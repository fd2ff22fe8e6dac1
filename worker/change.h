/* SPDX-License-Identifier: ISC */
/*
 * What natterd changes while a mapping is being held: the session goes on with it.  Both are
 * handlers for uplink_handlers; session is a struct session.
 */
#ifndef CHANGE_H
#define CHANGE_H

#include "mapping.h"

/* Its mapping is *mapping from now on. */
void session_change(void *session, const struct mapping *mapping);
/* Its servers are *servers from now on. */
void session_take_servers(void *session, const struct servers *servers);

#endif
