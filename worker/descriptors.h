/* SPDX-License-Identifier: ISC */
/*
 * How many descriptors a worker may have open: as many as its mapping's limits take, and no fewer than what
 * an ordinary mapping might take after a change of its settings.
 */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include "mapping.h"

/* Sets this process's limit, as far as the system allows.  Root may go beyond the hard limit, unless a
 * container forbids it: to be called before that is given up. */
void descriptors_raise(const struct mapping *mapping);

/* Warns if the limit is too small for what natter.cfg sets, with both numbers.  The default is as many as
 * there is room for. */
void descriptors_check(const struct mapping *mapping);

#endif
