/* SPDX-License-Identifier: ISC */
/*
 * The relaying side of a mapping, as the session sees it: gets the socket that
 * takes what arrives on the mapped port, gives it to the relay of the mapping's
 * protocol, or to the test page or echo, and watches the counters.  A mapping
 * without any of these is served by somebody else, and so always ready.
 */
#ifndef SERVING_H
#define SERVING_H

#include "reach.h"
#include "relay.h"
#include "worker.h"

struct serving;

struct serving_handlers {
	void (*on_ready)(void *context);
	void (*on_failed)(void *context, const char *why); /* in plain words; serving_start tries again */
	void (*on_traffic)(void *context); /* while there is any, once a second */
};

/* servers and reach must outlive it, and the servers may change: answers of STUN servers
 * that came too late and what belongs to a test of the mapping are no client data. */
struct serving *serving_new(struct worker *worker, const struct servers *servers, struct reach_test *reach,
    const struct serving_handlers *handlers, void *context);
void serving_free(struct serving *serving);

bool serving_is_ready(const struct serving *serving);
/* Begins, unless it has begun. */
void serving_start(struct serving *serving);
/* This machine's addresses may have changed.  If what serves has one that is gone, or stands in
 * for the mapping's own, which is back, it is not ready until serving_start has replaced it; then
 * its connections end. */
void serving_look_again(struct serving *serving);

/* The mapping's settings are other ones, and apply from now on.  If its target is gone, nothing is
 * served any more, but TCP connections that are there go on; if it has one now, serving_start is
 * due. */
void serving_change(struct serving *serving);

const struct relay_counters *serving_counters(const struct serving *serving);

#endif
