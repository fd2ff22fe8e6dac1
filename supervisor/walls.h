/* SPDX-License-Identifier: ISC */
/*
 * What confines the workers, seen from natterd: that something is missing is said once.
 */
#ifndef WALLS_H
#define WALLS_H

#include <stdint.h>

/* A worker reports what of enum confinement holds it. */
void walls_note(uint32_t held);

#endif
