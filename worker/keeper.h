/* SPDX-License-Identifier: ISC */
/*
 * Holds the hole of a TCP mapping open with two connections to different web servers, if
 * there are two: one that ends, or is about to, leaves the other, and its successor is
 * there before it goes where that is possible.  Notices when the NAT may have lost them.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include <stdbool.h>

#include "links.h"
#include "worker.h"

struct keeper;

enum keeper_place {
	KEEPER_HERE,
	KEEPER_STALE,      /* for the first time: new connections may have the right address */
	KEEPER_ASTRAY,     /* again: it is these servers */
	KEEPER_ALL_ASTRAY, /* so often that all servers have been tried */
};

struct keeper_handlers {
	void (*on_up)(void *context); /* there is a connection, and was none */
	/* The NAT may have lost the connections: one was reset, or none is heard any more. */
	void (*on_doubt)(void *context, const char *reason);
	void (*on_heard)(void *context); /* after on_doubt: a server was heard again */
	/* There is none any more, or none could be made, for the last one's reason. */
	void (*on_lost)(void *context, const char *reason, enum links_outlook outlook);
};

/* *servers must outlive it and may change. */
struct keeper *keeper_new(struct worker *worker, const struct servers *servers,
    const struct keeper_handlers *handlers, void *context);
void keeper_free(struct keeper *k);

/* Begins to connect, unless it has begun; there must be a keep-alive server. */
void keeper_connect(struct keeper *k);
/* Ends everything; keeper_connect begins anew. */
void keeper_drop(struct keeper *k);
/* Drops every connection, since the hole that they held is gone; others follow at once. */
void keeper_renew(struct keeper *k);
/* The hole is still there: connections that are not heard any more are to blame themselves,
 * and are replaced; so is a server that reset one while another one lives. */
void keeper_clear_doubt(struct keeper *k);

/* Is there a connection? */
bool keeper_is_up(const struct keeper *k);
/* ... and no doubt that it reaches its server? */
bool keeper_is_live(const struct keeper *k);
/* ... and one that has been up since that time (net_now), or nothing happened since then that
 * a NAT which forgot the hole would cause? */
bool keeper_vouches(const struct keeper *k, double since);
/* Is one being made while there is none? */
bool keeper_is_connecting(const struct keeper *k);

/* Probe the NAT every second from now on, or only at the interval. */
void keeper_watch(struct keeper *k, bool watch);
/* Probe it now: the answer is on_doubt, on_lost, or nothing. */
void keeper_test(struct keeper *k);

/* The own address of a connection; unset while there is none. */
struct addr keeper_local(const struct keeper *k);
/* Do the connections hold open what was seen of that address of this machine?  Only those
 * with the same one do, and others are given up.  Counts the times that none has. */
enum keeper_place keeper_judge_place(struct keeper *k, const struct addr *local);
/* This machine's addresses may have changed: connections from one that is gone are dropped,
 * and the count begins anew. */
void keeper_look_again(struct keeper *k);
/* What it means that the connections, of which there must be one, are astray. */
void keeper_explain_astray(const struct keeper *k, const struct addr *local, char *buf, size_t size);

/* The hole was lost: if connections have just been reset, after the idleness that led to it. */
void keeper_note_hole_lost(struct keeper *k);
/* Other bounds of the interval, which applies at once. */
void keeper_change_interval(struct keeper *k, uint32_t shortest, uint32_t longest);
/* The list of servers changed: connections to servers that are not in it any more are
 * replaced, if it has others. */
void keeper_leave_unlisted(struct keeper *k);
/* Seconds: what the NAT is known to bear, or what was set. */
unsigned int keeper_interval(const struct keeper *k);

#endif
