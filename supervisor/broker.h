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
 * port of it that nobody shares; SOCKET_TARGET: not bound), or -1 with errno. */
int broker_make_socket(const struct mapping *mapping, enum socket_use use);

/* The same before it is bound and has its congestion control; for SOCKET_SERVE and SOCKET_KEEP. */
int broker_make_unbound(const struct mapping *mapping, enum socket_use use);

/* The congestion control of a socket made for SOCKET_SERVE, and of what is accepted from it later,
 * becomes the mapping's. */
void broker_change_congestion_control(int fd, const struct mapping *mapping);

/* Does nobody else have the mapping's port now?  Connections that have ended but
 * are remembered (TIME_WAIT) do not count if reuse is set.  Returns 0, or -1 with
 * errno (EADDRINUSE: somebody has it). */
int broker_try_port(const struct mapping *mapping, bool reuse);

#endif
