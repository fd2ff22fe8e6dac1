/* SPDX-License-Identifier: ISC */
/*
 * Makes the sockets that are bound to a mapped port.  They are made here, by
 * the supervisor, because the kernel shares a port only among sockets of one
 * user, and because ports below 1024 need a right that workers do not have.
 */
#ifndef BROKER_H
#define BROKER_H

#include "mapping.h"
#include "message.h"

/* Returns a non-blocking, close-on-exec socket bound to the mapping's address,
 * which shares the port with all others made here (SOCKET_FRESH: bound to a free
 * port of it that nobody shares), or -1 with errno. */
int broker_make_socket(const struct mapping *mapping, enum socket_use use);

/* Does nobody else have the mapping's port now?  Connections that have ended but
 * are remembered (TIME_WAIT) do not count if reuse is set.  Returns 0, or -1 with
 * errno (EADDRINUSE: somebody has it). */
int broker_try_port(const struct mapping *mapping, bool reuse);

#endif
