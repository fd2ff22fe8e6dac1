/* SPDX-License-Identifier: ISC */
/*
 * Relays and their socket; see serving.h.
 */
#include "serving.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "echo.h"
#include "log.h"
#include "net.h"
#include "report.h"
#include "transaction.h"
#include "uplink.h"

static const struct timeval traffic_delay = {.tv_sec = 1};

struct serving {
	struct worker *worker;
	const struct servers *servers;
	struct serving_handlers handlers;
	void *context;
	struct socket_wish *wish;
	struct addr at; /* where what serves is bound; unset: nothing serves yet */
	bool stale;     /* that is not where it should be */
	struct relay_tcp *relay_tcp;
	struct relay_udp *relay_udp;
	struct echo *echo;
	struct reach_test *reach;
	struct relay_counters counters;
	struct event *traffic;
};

/* A TCP relay that does not only has connections of before. */
static bool
accepts(const struct serving *s)
{
	return s->relay_tcp != NULL && relay_tcp_has_port(s->relay_tcp);
}

static bool
serves(const struct serving *s)
{
	return accepts(s) || s->relay_udp != NULL || s->echo != NULL;
}

bool
serving_is_ready(const struct serving *s)
{
	return (serves(s) && !s->stale) || !mapping_is_served(&s->worker->mapping);
}

const struct relay_counters *
serving_counters(const struct serving *s)
{
	return &s->counters;
}

static void
on_traffic_timer(evutil_socket_t fd, short what, void *arg)
{
	struct serving *s = arg;

	(void)fd;
	(void)what;
	if (s->counters.connections > 0)
		event_add(s->traffic, &traffic_delay);
	s->handlers.on_traffic(s->context);
}

static void
on_connections(void *context)
{
	struct serving *s = context;

	if (!event_pending(s->traffic, EV_TIMEOUT, NULL))
		event_add(s->traffic, &traffic_delay);
}

/* The answers of the slower servers arrive when their sockets are closed: they
 * are nobody's client data.  Whatever else comes in a server's name is. */
static bool
is_late_answer(const struct serving *s, const struct addr *from, const void *data, size_t length)
{
	uint32_t i;

	for (i = 0; i < s->servers->stun_count; i++)
		if (addr_equal(&s->servers->stun[i].addr, from))
			return transaction_was_begun(data, length);
	return false;
}

static void
on_failure(void *context, enum cause cause)
{
	struct serving *s = context;

	measures_count(&s->worker->measures, cause);
}

static bool
claim_connection(void *context, int fd, const struct addr *from)
{
	struct serving *s = context;

	return reach_claim_connection(s->reach, fd, from);
}

static bool
claim_datagram(void *context, const struct addr *from, const void *data, size_t length)
{
	struct serving *s = context;

	return is_late_answer(s, from, data, length) || reach_claim_datagram(s->reach, from, data, length);
}

/* Client data from a socket of the punching side. */
static void
on_stray(void *context, const struct addr *client, const void *data, size_t length)
{
	struct serving *s = context;

	if (s->relay_udp != NULL)
		relay_udp_inject(s->relay_udp, client, data, length);
	else if (s->echo != NULL)
		echo_inject(s->echo, client, data, length);
}

static void
stop(struct serving *s)
{
	if (s->relay_tcp != NULL)
		relay_tcp_close(s->relay_tcp);
	if (s->relay_udp != NULL)
		relay_udp_close(s->relay_udp);
	echo_close(s->echo);
	s->relay_tcp = NULL;
	s->relay_udp = NULL;
	s->echo = NULL;
}

/* Leaves errno if nobody serves it afterwards. */
static void
serve(struct serving *s, int fd)
{
	struct worker *w = s->worker;

	s->at = addr_of_socket(fd);
	if (s->relay_tcp != NULL && !accepts(s)) {
		(void)relay_tcp_take_port(s->relay_tcp, fd);
		return;
	}
	stop(s);
	if (w->mapping.protocol == PROTOCOL_TCP)
		s->relay_tcp = relay_tcp_open(w->base, &w->mapping, fd, &s->counters);
	else if (w->mapping.test_page != 0)
		s->echo = echo_open(w->base, fd, &s->counters);
	else
		s->relay_udp = relay_udp_open(w->base, &w->mapping, fd, &s->counters);
}

static void
on_stray_connection(void *context, const struct addr *client, int fd)
{
	struct serving *s = context;

	if (accepts(s))
		relay_tcp_inject(s->relay_tcp, client, fd);
	else
		close(fd);
}

static void
fail(struct serving *s, int error)
{
	char why[REPORT_ERROR_SIZE], where[ADDR_TEXT_SIZE];

	if (error == ENOPROTOOPT)
		net_explain_no_socket(error, why, sizeof(why));
	else
		snprintf(why, sizeof(why), "cannot serve %s: %s", addr_text(&s->worker->mapping.bind, where),
		    net_bind_error(error));
	s->handlers.on_failed(s->context, why);
}

static void
on_socket(void *context, int fd, int error)
{
	struct serving *s = context;

	s->wish = NULL;
	/* Where its own address is back but cannot be had, the one that stands in still serves. */
	if (fd < 0 && (!serves(s) || !net_is_own_address(&s->at))) {
		fail(s, error);
		return;
	}
	if (fd >= 0)
		serve(s, fd);
	s->stale = false;
	if (serves(s))
		s->handlers.on_ready(s->context);
	else
		fail(s, errno);
}

void
serving_start(struct serving *s)
{
	if (!serving_is_ready(s) && s->wish == NULL)
		s->wish = uplink_ask_socket(s->worker->uplink, SOCKET_SERVE, NULL, on_socket, s);
}

/* If the mapping is bound to one address, the supervisor may have bound the socket to another
 * one while that was gone. */
void
serving_look_again(struct serving *s)
{
	const struct addr *wanted = &s->worker->mapping.bind;

	s->stale = serves(s) && !addr_is_wildcard(wanted) &&
		   (!net_is_own_address(&s->at) || (!addr_same_ip(&s->at, wanted) && net_is_own_address(wanted)));
}

/* UDP sessions answer from the port itself. */
static void
leave_port(struct serving *s)
{
	if (s->wish != NULL)
		uplink_forget_socket(s->wish);
	s->wish = NULL;
	s->stale = false;
	if (s->relay_tcp != NULL)
		relay_tcp_leave_port(s->relay_tcp);
	if (s->relay_udp != NULL)
		relay_udp_close(s->relay_udp);
	s->relay_udp = NULL;
}

void
serving_change(struct serving *s)
{
	if (!mapping_is_served(&s->worker->mapping)) {
		leave_port(s);
		return;
	}
	if (s->relay_tcp != NULL)
		relay_tcp_change(s->relay_tcp);
	if (s->relay_udp != NULL)
		relay_udp_change(s->relay_udp);
}

struct serving *
serving_new(struct worker *worker, const struct servers *servers, struct reach_test *reach,
    const struct serving_handlers *handlers, void *context)
{
	struct serving *s = alloc_zero(sizeof(*s));

	s->worker = worker;
	s->servers = servers;
	s->reach = reach;
	s->handlers = *handlers;
	s->context = context;
	s->counters.on_connections = on_connections;
	s->counters.on_failure = on_failure;
	s->counters.claim_connection = claim_connection;
	s->counters.claim_datagram = claim_datagram;
	s->counters.uplink = worker->uplink;
	s->counters.context = s;
	s->traffic = event_new(worker->base, -1, 0, on_traffic_timer, s);
	if (s->traffic == NULL)
		fatal("out of memory");
	worker->on_stray = on_stray;
	worker->on_stray_connection = on_stray_connection;
	worker->stray_context = s;
	return s;
}

void
serving_free(struct serving *s)
{
	if (s->wish != NULL)
		uplink_forget_socket(s->wish);
	stop(s);
	event_free(s->traffic);
	free(s);
}
