/* SPDX-License-Identifier: ISC */
/*
 * The connections that hold a TCP mapping: two, each to a web server of its own (the kernel
 * knows a connection by its pair of addresses, and one end is always the mapped port), or
 * one if there is only one server.  A connection that is leaving stays until its successor
 * is up; if no other server can be had, it makes room for itself.
 */
#ifndef LINKS_H
#define LINKS_H

#include "keepalive.h"
#include "worker.h"

struct links;

/* What follows when none is left. */
enum links_outlook {
	LINKS_COMING,  /* the next attempt is under way, or comes soon by itself */
	LINKS_GAVE_UP, /* every server was tried in vain: to connect again is due after a pause */
	LINKS_NO_WAY,  /* the same, since this machine has no way to any of them */
	LINKS_BLOCKED, /* the same, since older connections to each have not ended yet: a try costs nothing */
};

struct links_handlers {
	void (*on_up)(void *context, bool is_first);
	void (*on_answer)(void *context);
	/* One that was up has ended. */
	void (*on_end)(void *context, enum keepalive_end end, const char *reason);
	/* An attempt failed while none is up. */
	void (*on_failure)(void *context, enum links_outlook outlook, const char *reason);
	/* Is the network to be trusted, so that a server itself is to blame if it fails? */
	bool (*is_network_good)(void *context);
};

/* *servers must outlive it and may change. */
struct links *links_new(struct worker *worker, const struct servers *servers, const struct links_handlers *handlers,
    void *context);
void links_free(struct links *l);

/* Begins to connect, unless it has begun; there must be a keep-alive server. */
void links_connect(struct links *l);
/* Ends everything; links_connect begins anew. */
void links_drop(struct links *l);
/* The pace at which each is probed from now on; keepalive.h. */
void links_set_pace(struct links *l, unsigned int seconds);

bool links_are_up(const struct links *l);
bool links_are_coming(const struct links *l);
/* The first of those that are up, or NULL. */
const struct keepalive *links_first(const struct links *l);
/* Seconds since anything was heard on any of them; 0: none is up. */
double links_quiet(const struct links *l);
/* Was the last reset, if there was one since this was asked, the server's own doing?  Then that is left
 * alone for a while, unless there is no other.  No handler is called before it returns. */
void links_settle_reset(struct links *l, bool blame);
/* How long the last one had been idle that ended, in seconds. */
double links_last_idle(const struct links *l);

typedef bool links_test(void *context, const struct keepalive *link);

/* Is one of those that are up such a one? */
bool links_any(const struct links *l, links_test *test, void *context);
/* Those that are up and such are to go, after their successors have come if that is possible;
 * blame: their servers are left alone for a while.  No handler is called before it returns. */
void links_replace(struct links *l, links_test *test, void *context, bool blame);
/* Those that are such, also of those that are not up yet, are dropped at once.  Likewise. */
void links_remove(struct links *l, links_test *test, void *context, bool blame);

#endif
