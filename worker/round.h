/* SPDX-License-Identifier: ISC */
/*
 * One question to several STUN servers side by side, until what they see is settled:
 * two servers at different IP addresses that see the same address settle it, and
 * so does a single one if no other answers soon.  A dead server costs nothing but
 * its own place, and neither does one that lies alone among three.
 */
#ifndef ROUND_H
#define ROUND_H

#include "probe.h"

struct round;

enum round_outcome {
	ROUND_OK,        /* two servers at different IP addresses see the same address */
	ROUND_LONE,      /* one sees this address, and no other said anything in time that can be compared */
	ROUND_SYMMETRIC, /* servers at different IP addresses, asked again, see different addresses, and no two the same */
	ROUND_UNCLEAR,   /* they saw different addresses, and asked again, too few answered */
	ROUND_FAILED,    /* no server gave an address */
	ROUND_NO_WAY,    /* the same, since this machine itself knows no way to any of them */
};

/* result is the winner's, and of any other outcome it has the error alone, with what
 * was seen or tried.  winner is NULL without one; the handler may keep it
 * (probe_hand_over) and then owns it.  The round is over and is freed by the handler
 * with round_free. */
typedef void round_done(void *context, enum round_outcome outcome, const struct probe_result *result,
    struct probe *winner);

/* Asks the servers beginning with number first (counted round the list), which
 * must not be empty; those that rest come last, and over UDP the first one is a moment ahead.  Tells the supervisor which servers fail or
 * lie while others do not.  This machine may have several addresses, one for each way out: what
 * is seen of local is preferred to what is seen of another; unset: none is. */
struct round *round_start(struct worker *worker, const struct servers *servers, unsigned int first,
    const struct addr *local, round_done *done, void *context);
/* To be called at once: it is settled only when all of them were asked, and have answered or had 1.5 s for
 * it.  None is asked twice, and what most of them see is not asked for: two that agree settle it. */
void round_ask_all(struct round *round);
/* Ends every transaction of it except a winner's that was taken over. */
void round_free(struct round *round);

/* Does a server see this address, as far as is known? */
bool round_saw(const struct round *round, const struct addr *mapped);
/* How many servers have been asked if none has answered with an address; else 0. */
unsigned int round_asked_in_vain(const struct round *round);

#endif
