/* SPDX-License-Identifier: ISC */
/*
 * The state machine of one mapping: the only place that changes its state.
 * It brings the punching (keepalive, round, probe) and the relay together and
 * says in its report what is known.
 */
#ifndef SESSION_H
#define SESSION_H

#include "worker.h"

struct session;

/* Takes part in the uplink from now on. */
struct session *session_new(struct worker *worker);
void session_free(struct session *session);

#endif
