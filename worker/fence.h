/* SPDX-License-Identifier: ISC */
/*
 * Landlock, which closes what system calls with the right numbers could still reach: files,
 * and TCP ports.  Once it stands it cannot be moved.
 */
#ifndef FENCE_H
#define FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

/* From now on this process has no file but those that are open, binds no TCP socket and connects
 * over TCP to this port alone (0: to none); sockets that others bound or connected for it are not
 * concerned, nor is listen(2), which binds an unbound one to a free port.  Needs no_new_privs.
 * Returns what of CONFINED_FILES and CONFINED_PORTS the kernel can do (files since 5.13, ports
 * since 6.7); 0 with errno if nothing. */
uint32_t fence_raise(uint16_t port);

/* May this process connect over TCP to that address by itself? */
bool fence_lets_through(const struct addr *to);

#endif
