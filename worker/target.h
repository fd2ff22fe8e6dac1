/* SPDX-License-Identifier: ISC */
/*
 * The way to the target of a TCP mapping, and what its sockets have in common
 * with those of the clients.
 */
#ifndef TARGET_H
#define TARGET_H

#include "mapping.h"

/* What every relayed socket is to have; those that are accepted from it inherit it. */
void target_set_options(int fd, const struct mapping *mapping);

/* The same for a socket that has the options of another mapping; usual is a socket with the
 * system's own. */
void target_change_options(int fd, int usual, const struct mapping *mapping);

/* Returns a non-blocking socket whose connection to the target is in progress, or
 * -1 with errno. */
int target_connect(const struct mapping *mapping);

/* Logs why a client's connection found no target: an errno, ETIMEDOUT if the mapping's
 * connect_timeout has passed. */
void target_log_failure(const struct mapping *mapping, const struct addr *client, int error);

#endif
