/* SPDX-License-Identifier: ISC */
/*
 * One question to several STUN servers side by side: the first good answer
 * wins, a dead or lying server costs nothing but its own place.
 */
#ifndef ROUND_H
#define ROUND_H

#include "probe.h"

struct round;

/* result is the winner's, or after the last failure the last error, widened to
 * say how many servers were asked.  winner is NULL without one; the handler
 * may keep it (probe_hand_over) and then owns it.  The round is over and is
 * freed by the handler with round_free. */
typedef void round_done(void *context, const struct probe_result *result, struct probe *winner);

/* Asks the servers beginning with number first (counted round the list), which
 * must not be empty; *servers must outlive the round and may change. */
struct round *round_start(struct worker *worker, const struct servers *servers, unsigned int first, round_done *done,
    void *context);
/* Ends every transaction of it except a winner's that was taken over. */
void round_free(struct round *round);

#endif
