/* SPDX-License-Identifier: ISC */
/*
 * v0.9's open_port and forward_port.  natterd refuses what would get in the way
 * of another mapping; v0.9 did not.  Such an entry stands in a comment, or, if
 * it is a second mapping to the same target, in the list "mappings".
 */
#ifndef NATTERCTL_IMPORT_PORTS_H
#define NATTERCTL_IMPORT_PORTS_H

#include "natterctl_import_value.h"

natterctl_import_writer natterctl_import_open_port;
natterctl_import_writer natterctl_import_forward_port;

/* Writes the list "mappings", if it is needed; after the two others. */
void natterctl_import_renamed(struct natterctl_import *im);

void natterctl_import_free_mappings(struct natterctl_import *im);

#endif
