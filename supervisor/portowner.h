/* SPDX-License-Identifier: ISC */
/*
 * Which program has a port that natterd cannot have, as far as /proc tells.
 */
#ifndef PORTOWNER_H
#define PORTOWNER_H

#include <stdbool.h>
#include <stddef.h>

#include "mapping.h"

/* Writes "NAME (process PID)" of another process that has a socket in the way of the mapping's
 * port.  Returns false if none is found; without root only those of the same user can be. */
bool portowner_find(const struct mapping *mapping, char *buf, size_t size);

#endif
