/* SPDX-License-Identifier: ISC */
/*
 * What holds the hole of a TCP mapping open: a connection from the mapped port
 * to a web server, on which a HEAD request goes out at every interval.  One
 * keepalive is one connection to one server; the session decides what follows
 * when it is lost.
 */
#ifndef KEEPALIVE_H
#define KEEPALIVE_H

#include "worker.h"

struct keepalive;

struct keepalive_handlers {
	void (*on_up)(void *context); /* connected; the first request follows later */
	/* It is over, for the reason in plain words; lived is the seconds since
	 * on_up, or -1 if it never came.  The handler calls keepalive_free. */
	void (*on_lost)(void *context, const char *reason, double lived);
};

struct keepalive *keepalive_start(struct worker *worker, const struct server *server,
    const struct keepalive_handlers *handlers, void *context);
/* Closes with a reset, so that no TIME_WAIT keeps the pair of addresses. */
void keepalive_free(struct keepalive *k);

/* In on_lost: is the reason that there is no way to the server? */
bool keepalive_has_no_way(const struct keepalive *k);
bool keepalive_is_up(const struct keepalive *k);
const struct server *keepalive_server(const struct keepalive *k);
/* The connection's own address; k must be up. */
struct addr keepalive_local(const struct keepalive *k);

#endif
