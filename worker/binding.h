/* SPDX-License-Identifier: ISC */
/*
 * What holds the hole of a UDP mapping open: a question to one STUN server at every
 * interval, each answer to which is a fresh look at the outer address.  The session
 * decides what follows when the server is silent.
 *
 * The answers teach the interval: the same outer address means that the hole was held,
 * another port of the same address that it was lost in the pause before the question, if
 * others see it, too: a server that lies must not make the interval short.
 * What has another reason teaches nothing: another address, since the NAT got it; an
 * answer after a silence, since a NAT that has only forgotten makes a new hole at once;
 * and a pause in which clients' traffic was relayed, since that holds the hole open.
 * Traffic of another program that has the port cannot be seen: then the interval may
 * grow too long, and is corrected by the first loss when it ends.
 */
#ifndef BINDING_H
#define BINDING_H

#include "interval.h"
#include "probe.h"
#include "relay.h"

struct binding;

struct binding_handlers {
	/* The server sees this; the next question goes out after the interval.  lost_idle: after so many
	 * seconds of idleness the hole was lost, if this is true; 0: it was not, or that is not why. */
	void (*on_answer)(void *context, const struct probe_result *result, double lost_idle);
	void (*on_silence)(void *context); /* it has been asked thrice; its answer may still come */
	void (*on_lost)(void *context, const char *reason); /* no answer; binding_free is due */
};

/* What outlives a binding: the next one goes on from it. */
struct binding_memory {
	struct interval *interval;
	const struct relay_counters *traffic; /* of clients */
};

/* Takes over a probe whose answer was that the outer address is seen.  What the memory points
 * to must outlive it. */
struct binding *binding_start(struct worker *worker, struct probe *probe, const struct addr *seen,
    const struct binding_memory *memory, const struct binding_handlers *handlers, void *context);
/* Whom it asks. */
const struct server *binding_server(const struct binding *b);
/* The interval's bounds are other ones: it applies at once. */
void binding_change_interval(struct binding *b);
/* The hole is used by others meanwhile: the present pause teaches nothing. */
void binding_disturb(struct binding *b);
/* b may be NULL. */
void binding_free(struct binding *b);

#endif
