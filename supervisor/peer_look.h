/* SPDX-License-Identifier: ISC */
/*
 * The look at all workers every few seconds: one that hangs, or is silent, is ended
 * (conduct.h), and so replaced.
 */
#ifndef PEER_LOOK_H
#define PEER_LOOK_H

#include <event2/event.h>

/* May be called more than once. */
void peer_look_open(struct event_base *base);
void peer_look_close(void);

#endif
