/* SPDX-License-Identifier: ISC */
/*
 * Things that end when a fixed time has passed since they began or were last
 * used, thousands of them with one timer.
 */
#ifndef EXPIRY_H
#define EXPIRY_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/queue.h>

/* Embedded in what expires. */
struct expiry_item {
	TAILQ_ENTRY(expiry_item) entry;
	double since;
};

struct expiry;

typedef void expiry_handler(void *context, struct expiry_item *item);

/* seconds: more than 0.  on_expired must take the item out or touch it; it may take others out, too.  NULL
 * without memory. */
struct expiry *expiry_new(struct event_base *base, double seconds, expiry_handler *on_expired, void *context);
/* Items that are still in it are forgotten.  expiry may be NULL. */
void expiry_free(struct expiry *expiry);

/* Another time, more than 0, for all that are in it and those that follow. */
void expiry_change(struct expiry *expiry, double seconds, double now);

/* now is net_now(), and never before that of the last call. */
void expiry_add(struct expiry *expiry, struct expiry_item *item, double now);
/* It is used: its time begins anew.  The timer is left as it is. */
void expiry_touch(struct expiry *expiry, struct expiry_item *item, double now);
void expiry_remove(struct expiry *expiry, struct expiry_item *item);

/* The item that is next, NULL if there is none. */
struct expiry_item *expiry_first(const struct expiry *expiry);

#endif
