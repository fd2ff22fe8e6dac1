/* SPDX-License-Identifier: ISC */
/*
 * What follows from what STUN servers and the keep-alive say: whether an address is
 * published, stands, is doubted or is withdrawn.
 */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include "keeper.h"
#include "round.h"

/* Both have a struct session as their context. */
round_done evidence_take_round;
extern const struct keeper_handlers evidence_from_keeper;

#endif
