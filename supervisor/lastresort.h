/* SPDX-License-Identifier: ISC */
/*
 * What natterd does about a mapped port that it cannot have: it says who has it, and after a
 * while chooses another one, if it chose the first.  A port of natter.cfg is never changed.
 */
#ifndef LASTRESORT_H
#define LASTRESORT_H

#include "service.h"

/* A socket on the mapped port was to be made: error is 0, or the errno that kept it from being
 * made.  May replace the worker. */
void lastresort_note(struct service *s, int error);

#endif
