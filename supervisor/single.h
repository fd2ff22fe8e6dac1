/* SPDX-License-Identifier: ISC */
/*
 * `natterd SRC_PORT`: the one mapping that the command line asks for, without a
 * configuration.
 */
#ifndef SINGLE_H
#define SINGLE_H

#include "config.h"
#include "options.h"

/* The configuration of it; options has a port.  Returns NULL after logging why
 * the file that the servers are to be taken from is refused. */
struct config *single_load(const struct options *options);

/* Why a socket on the mapping's port could not be made, and what to do: the end of a
 * sentence, for the errno of it. */
const char *single_explain_port(const struct mapping *m, int error);

/* Can the port be had?  Returns 0, or -1 after logging why not and what to do. */
int single_check_port(const struct mapping *mapping);

#endif
