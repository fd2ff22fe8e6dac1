/* SPDX-License-Identifier: ISC */
/*
 * Keeps a TCP mapping's keep-alive up: one connection at a time, to one web server
 * after another.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include <stdbool.h>

#include "worker.h"

struct keeper;

enum keeper_place {
	KEEPER_HERE,
	KEEPER_STALE,      /* for the first time: a new connection may have the right address */
	KEEPER_ASTRAY,     /* again: it is this server */
	KEEPER_ALL_ASTRAY, /* so often that all servers have been tried */
};

struct keeper_handlers {
	void (*on_up)(void *context);
	/* The connection ended, or could not be made, for the reason in plain words.
	 * all: so did those to all other servers before, and nothing follows by itself. */
	void (*on_lost)(void *context, const char *reason, bool all);
	/* After on_lost, at once or a little later: keeper_connect is due. */
	void (*on_next)(void *context);
};

/* *servers must outlive it and may change. */
struct keeper *keeper_new(struct worker *worker, const struct servers *servers,
    const struct keeper_handlers *handlers, void *context);
void keeper_free(struct keeper *k);

/* Begins to connect, unless there is a connection; there must be a keep-alive server. */
void keeper_connect(struct keeper *k);
void keeper_drop(struct keeper *k);
/* The same, and the next connection goes to another server, if there is one. */
void keeper_skip(struct keeper *k);

bool keeper_is_up(const struct keeper *k);
bool keeper_is_connecting(const struct keeper *k);
/* The connection's own address, of this machine; unset while it is not up. */
struct addr keeper_local(const struct keeper *k);

/* Does the connection hold open what was seen of that address of this machine?  Only if it has
 * the same one.  Counts the times that it has not. */
enum keeper_place keeper_judge_place(struct keeper *k, const struct addr *local);
/* This machine's addresses may have changed: the count begins anew. */
void keeper_look_again(struct keeper *k);
/* What it means that the connection, which must be up, is astray. */
void keeper_explain_astray(const struct keeper *k, const struct addr *local, char *buf, size_t size);

#endif
