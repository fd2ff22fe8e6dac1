/* SPDX-License-Identifier: ISC */
/*
 * What becomes of a mapping's hole, and of what is said of it, while it has no worker: it is
 * kept for the next one, or let go.
 */
#ifndef SUCCESSION_H
#define SUCCESSION_H

#include "service.h"

void succession_open(struct service *s, struct event_base *base);

/* The worker is gone, for the reason in plain words, and the next one comes soon: the hole is
 * kept for it for ten seconds, and the address stands until then. */
void succession_begin(struct service *s, const char *why);

/* Nobody is to wait in a queue that is not served soon: the hole is let go, and the mapping is
 * reported to be in that state, STATE_BACKOFF or STATE_STOPPED, for the reason in plain words. */
void succession_give_up(struct service *s, enum state state, const char *why);

#endif
