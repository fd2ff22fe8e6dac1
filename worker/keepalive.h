/* SPDX-License-Identifier: ISC */
/*
 * One connection from the mapped port to a web server, which helps to hold the hole of a
 * TCP mapping open.  The kernel probes it at the NAT's pace (TCP keep-alive, no data); a
 * HEAD request goes out less often, so that the server has a reason to keep it.  What
 * follows when it ends is the keeper's to decide.
 */
#ifndef KEEPALIVE_H
#define KEEPALIVE_H

#include "worker.h"

struct keepalive;

/* What became of it. */
enum keepalive_end {
	KEEPALIVE_UNREACHED, /* it never came up */
	KEEPALIVE_NO_WAY,    /* the same, since this machine itself knows no way to the server */
	KEEPALIVE_NOT_TRIED, /* the same, since this machine gave no socket */
	KEEPALIVE_BLOCKED,   /* the same, since the kernel still remembers an older connection to it */
	KEEPALIVE_CLOSED,    /* the server closed it in order */
	KEEPALIVE_RESET,     /* by the server, or by a NAT that has forgotten it */
	KEEPALIVE_SILENT,    /* nothing was heard of the server any more */
	KEEPALIVE_USELESS,   /* the server cannot be used as one */
};

struct keepalive_handlers {
	void (*on_up)(void *context, struct keepalive *k);
	/* The server announced that it will close; until then it works. */
	void (*on_leaving)(void *context, struct keepalive *k);
	/* The server answered a request. */
	void (*on_answer)(void *context, struct keepalive *k);
	/* It is over, for the reason in plain words.  The handler calls keepalive_free. */
	void (*on_lost)(void *context, struct keepalive *k, enum keepalive_end end, const char *reason);
};

/* When something is sent. */
struct keepalive_times {
	unsigned int pace; /* seconds of idleness after which the connection is probed, at least 1 */
	double idle_limit; /* seconds after which this server is known to close an idle connection, or 0 */
	/* Its first request is more than a second later than that of one without this: two servers with the same
	 * patience do not close at the same moment. */
	bool late;
};

/* It may come up with another server, to which a worker that died had a connection; *servers,
 * for its name, must outlive it.  No handler is called before it returns. */
struct keepalive *keepalive_start(struct worker *worker, const struct servers *servers, const struct server *server,
    const struct keepalive_times *times, const struct keepalive_handlers *handlers, void *context);
/* Closes with a reset, so that no TIME_WAIT keeps the pair of addresses; also what the
 * supervisor has a duplicate of.  k may be NULL. */
void keepalive_free(struct keepalive *k);

/* If more than this pace has passed since the server was heard, it is probed now. */
void keepalive_set_pace(struct keepalive *k, unsigned int seconds);

bool keepalive_is_up(const struct keepalive *k);
/* Announced, or by keepalive_dismiss. */
bool keepalive_is_leaving(const struct keepalive *k);
bool keepalive_is_late(const struct keepalive *k);
/* It is to be replaced, and asks nothing any more. */
void keepalive_dismiss(struct keepalive *k);

const struct server *keepalive_server(const struct keepalive *k);
/* The connection's own address; k must be up. */
struct addr keepalive_local(const struct keepalive *k);
/* Seconds since the server was last heard, by whatever segment; k must be up. */
double keepalive_quiet(const struct keepalive *k);
/* Seconds since it came up; 0 before. */
double keepalive_age(const struct keepalive *k);
/* In on_lost with KEEPALIVE_CLOSED: seconds of idleness after which the server closed it
 * although it had said nothing; 0: it was not because of that. */
double keepalive_idle_end(const struct keepalive *k);

#endif
