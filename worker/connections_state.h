/* SPDX-License-Identifier: ISC */
/*
 * Connections from inside, for their parts: connections.c, which runs them, connections_dial.c,
 * which finds their target, connections_idle.c, which ends those that are idle, and
 * connections_change.c, which gives them other settings.
 */
#ifndef CONNECTIONS_STATE_H
#define CONNECTIONS_STATE_H

#include <event2/event.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#include "admission.h"
#include "connections.h"
#include "expiry.h"
#include "poller.h"
#include "pump.h"

/* One of a connection's two descriptors. */
struct connection_end {
	struct poller_item item;
	struct pump_end side;
};

/* There may be thousands that do nothing. */
struct connection {
	TAILQ_ENTRY(connection) entry;
	TAILQ_ENTRY(connection) turn; /* in all->busy */
	struct expiry_item deadline;
	struct expiry *deadlines; /* all->connecting, then all->idle; NULL: it is in none */
	struct connections *all;
	struct connection_end client;
	struct connection_end target;
	struct socket_wish *wish; /* for its connection to the target; NULL: it was not asked for, or is there */
	struct pump in;
	struct pump out;
	struct addr peer; /* the client's */
	uint32_t undelivered; /* bytes, when its time was up before */
	bool busy;  /* used up its turn and goes on in the next */
	bool given; /* its socket to the target is from natterd, which has it for some moments more */
};

TAILQ_HEAD(connection_list, connection);

struct connections {
	struct event_base *base;
	const struct mapping *mapping;
	struct addr target;     /* of those that are being made; the mapping's may be another one by now */
	uint32_t tcp_keepalive; /* of all, likewise */
	double asks_began;      /* connections_dial.c's: the present second, and ... */
	unsigned int asks;      /* ... the connections that natterd was asked for in it */
	struct relay_counters *counters;
	struct admission *admission; /* all are in it */
	struct poller *poller;
	struct event *busy_timer; /* runs at once, but after the others' events */
	struct expiry *connecting;
	struct expiry *idle; /* NULL: connections may be idle */
	struct connection_list list;
	struct connection_list busy;
	struct pump_tools tools;
};

/* The connection of one of its parts. */
#define CONNECTION_OF(part, member) ((struct connection *)((char *)(part)-offsetof(struct connection, member)))

static inline bool
connection_is_dialling(const struct connection *c)
{
	return c->deadlines == c->all->connecting;
}

/* What both ends are watched for. */
#define CONNECTION_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI)

/* The connection to the target is in progress then, or asked for.  Returns 0, or -1 with errno. */
int connections_dial(struct connection *c);
/* Ends what connections_dial began. */
void connections_hang_up(struct connection *c);
void connections_close_end(struct connections *all, struct connection_end *end);
/* Its target cannot be had: error is an errno, ETIMEDOUT for our own time limit.  Ends it. */
void connections_refuse(struct connection *c, int error);
/* Ends it, with a reset at both ends. */
void connections_abort(struct connection *c);

/* The handler of all->idle. */
expiry_handler connections_on_idle;
/* Seconds; 0: they may be idle. */
void connections_change_idle(struct connections *all, uint32_t seconds);

#endif
