/* SPDX-License-Identifier: ISC */
/*
 * What holds the hole of a UDP mapping open: a question to one STUN server at every
 * interval, each answer to which is a fresh look at the outer address.  The session
 * decides what follows when the server is silent.
 */
#ifndef BINDING_H
#define BINDING_H

#include "probe.h"

struct binding;

struct binding_handlers {
	/* The server sees this; the next question goes out after the interval. */
	void (*on_answer)(void *context, const struct probe_result *result);
	void (*on_silence)(void *context); /* it has been asked thrice; its answer may still come */
	void (*on_lost)(void *context, const char *reason); /* no answer; binding_free is due */
};

/* Takes over a probe that has had its answer. */
struct binding *binding_start(struct worker *worker, struct probe *probe, const struct binding_handlers *handlers,
    void *context);
/* Whom it asks. */
const struct addr *binding_server(const struct binding *b);
/* b may be NULL. */
void binding_free(struct binding *b);

#endif
