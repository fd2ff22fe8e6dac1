/* SPDX-License-Identifier: ISC */
/*
 * `natterd --check-nat`: one NAT check in the foreground, its progress on standard
 * error and its result on standard output.
 */
#ifndef CHECKNAT_COMMAND_H
#define CHECKNAT_COMMAND_H

#include <stdbool.h>

#include "config.h"

/* Checks with config's STUN servers from bind, an address of this machine or the
 * wildcard, and a port or 0.  Prints the result, as JSON if asked to.  Returns the
 * exit status, as in checknat_print.h. */
int checknat_command(const struct config *config, const struct addr *bind, bool json);

#endif
