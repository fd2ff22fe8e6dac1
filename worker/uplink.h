/* SPDX-License-Identifier: ISC */
/*
 * The worker's end of the socket to its supervisor: reports and log lines go
 * up, servers and sockets come down.  The supervisor is trusted: nonsense from
 * it is a bug and fatal, and its end is this process's end.
 */
#ifndef UPLINK_H
#define UPLINK_H

#include <event2/event.h>

#include "log.h"
#include "message.h"

struct uplink_handlers {
	void (*on_mapping)(void *context, const struct mapping *mapping); /* another one; NULL: there is none */
	void (*on_servers)(void *context, const struct servers *servers);
	void (*on_again)(void *context, enum again_reason reason);
	void (*on_duty)(void *context, const struct duty *duty); /* NULL: there is none */
};

struct uplink *uplink_new(struct event_base *base, int fd);
void uplink_set_handlers(struct uplink *uplink, const struct uplink_handlers *handlers, void *context);
void uplink_free(struct uplink *uplink);

/* Receives the first message, waiting for it. */
void uplink_receive_mapping(int fd, struct mapping *out);

/* Sends the report if it says something new; if only its counters moved, at
 * most once a second. */
void uplink_report(struct uplink *uplink, const struct report *report);

/* Sends the result of a check. */
void uplink_send_nat(struct uplink *uplink, const struct nat_report *report);

/* A server failed, or has proved good again after its rest: other mappings may use it, too. */
void uplink_tell_server(struct uplink *uplink, const struct addr *server, bool good);

/* fd is -1 and error an errno if no socket could be made; fd is a socket and error an errno if its
 * connection could not begin. */
typedef void uplink_socket_cb(void *context, int fd, int error);

struct socket_wish;

/* Asks for a non-blocking socket, as enum socket_use says, whose connection to this address is in
 * progress (NULL: to none; UDP: always); the answer comes through done, which owns fd.  Never NULL. */
struct socket_wish *uplink_ask_socket(struct uplink *uplink, enum socket_use use, const struct addr *to,
    uplink_socket_cb *done, void *context);
/* Nobody waits for the answer any more; wish is invalid afterwards. */
void uplink_forget_socket(struct socket_wish *wish);
/* The same, but its answer comes through another done, if at all: wish is invalid
 * afterwards.  context must live as long as the uplink. */
void uplink_redirect_socket(struct socket_wish *wish, uplink_socket_cb *done, void *context);

/* The log sink of a worker: its lines go up. */
void uplink_log(enum log_level level, const char *text);

#endif
