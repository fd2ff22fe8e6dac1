/* SPDX-License-Identifier: ISC */
/*
 * The connections of a TCP mapping; see connections.h.  Bytes, half-closes and
 * resets pass both ways, and what one connection meets ends no other.
 */
#include "connections.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connections_state.h"
#include "log.h"
#include "net.h"
#include "pipes.h"
#include "target.h"

static const struct timeval at_once;

void
connections_close_end(struct connections *all, struct connection_end *end)
{
	poller_forget(all->poller, &end->item);
	if (end->side.fd >= 0)
		close(end->side.fd);
	end->side = (struct pump_end){.fd = -1};
}

static void
free_connection(struct connection *c)
{
	struct connections *all = c->all;

	if (c->deadlines != NULL)
		expiry_remove(c->deadlines, &c->deadline);
	if (c->busy)
		TAILQ_REMOVE(&all->busy, c, turn);
	TAILQ_REMOVE(&all->list, c, entry);
	connections_close_end(all, &c->client);
	connections_hang_up(c);
	pump_clear(&c->in, &all->tools);
	pump_clear(&c->out, &all->tools);
	admission_leave(all->admission, &c->peer);
	free(c);
	relay_count_end(all->counters);
}

/* Both ends see a reset, not the clean end of a transfer that was cut. */
void
connections_abort(struct connection *c)
{
	net_set_reset_on_close(c->client.side.fd);
	if (c->target.side.fd >= 0)
		net_set_reset_on_close(c->target.side.fd);
	free_connection(c);
}

static void
continue_later(struct connection *c)
{
	struct connections *all = c->all;

	if (c->busy)
		return;
	c->busy = true;
	TAILQ_INSERT_TAIL(&all->busy, c, turn);
	if (!event_pending(all->busy_timer, EV_TIMEOUT, NULL))
		event_add(all->busy_timer, &at_once);
}

static enum pump_result
run_in(struct connection *c)
{
	return pump_run(&c->in, &c->client.side, &c->target.side, &c->all->tools, &c->all->counters->bytes_in);
}

static enum pump_result
run_out(struct connection *c)
{
	return pump_run(&c->out, &c->target.side, &c->client.side, &c->all->tools, &c->all->counters->bytes_out);
}

/* May free the connection.  What an end sent before it broke still gets on its
 * way. */
static void
run_connection(struct connection *c)
{
	enum pump_result in = run_in(c), out;

	if (in == PUMP_FAILED)
		pump_cut(&c->out, &c->target.side);
	c->out.last = c->in.finished;
	out = run_out(c);
	c->in.last = c->out.finished;
	if (out == PUMP_FAILED && in != PUMP_FAILED) {
		pump_cut(&c->in, &c->client.side);
		in = run_in(c);
	}
	if (in == PUMP_FAILED || out == PUMP_FAILED)
		connections_abort(c);
	else if (c->in.finished && c->out.finished)
		free_connection(c);
	else if (in == PUMP_GOES_ON || out == PUMP_GOES_ON)
		continue_later(c);
}

/* An event made active again from a callback would run before the loop asks
 * for new events: a timer leaves room for them. */
static void
on_busy(evutil_socket_t fd, short what, void *arg)
{
	struct connections *all = arg;
	struct connection *c, *last = TAILQ_LAST(&all->busy, connection_list);
	bool done = last == NULL;

	(void)fd;
	(void)what;
	while (!done && (c = TAILQ_FIRST(&all->busy)) != NULL) {
		done = c == last; /* those behind it came in this turn */
		TAILQ_REMOVE(&all->busy, c, turn);
		c->busy = false;
		run_connection(c);
	}
}

/* error is an errno, ETIMEDOUT for our own time limit. */
void
connections_refuse(struct connection *c, int error)
{
	target_log_failure(c->all->mapping, &c->peer, error);
	relay_count_failure(c->all->counters, error);
	connections_abort(c);
}

static void
on_connect_timeout(void *context, struct expiry_item *item)
{
	struct connection *c = CONNECTION_OF(item, deadline);

	(void)context;
	connections_refuse(c, ETIMEDOUT);
}

/* The target's descriptor became writable or broke while connecting. */
static void
end_connecting(struct connection *c, uint32_t events)
{
	int error = events & (EPOLLERR | EPOLLHUP) ? net_socket_error(c->target.side.fd) : 0;

	if (error == ECONNRESET || error == EPIPE) {
		pump_cut(&c->out, &c->target.side); /* it was connected, and may have said something */
	} else if (error != 0) {
		connections_refuse(c, error);
		return;
	}
	expiry_remove(c->all->connecting, &c->deadline);
	c->deadlines = c->all->idle;
	if (c->deadlines != NULL)
		expiry_add(c->deadlines, &c->deadline, net_now());
	run_connection(c);
}

static void
note_events(struct pump_end *end, uint32_t events)
{
	bool last = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;

	end->closing = (end->closing || (events & EPOLLRDHUP) != 0) && (events & EPOLLERR) == 0;
	end->urgent = end->urgent || (events & EPOLLPRI) != 0;
	end->drain = end->drain || last || end->urgent;
	end->readable = end->readable || last || (events & (EPOLLIN | EPOLLPRI)) != 0;
	end->writable = end->writable || (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
}

/* pump is the one that reads from the end with the events.  A reset that it would not meet now,
 * because it has ended before or the other end is slow, ends the connection here. */
static void
continue_connection(struct connection *c, const struct pump *pump, uint32_t events)
{
	if (connection_is_dialling(c))
		return;
	if (c->deadlines != NULL)
		expiry_touch(c->deadlines, &c->deadline, net_now());
	if ((events & EPOLLERR) != 0 && !pump_is_reading(pump))
		connections_abort(c);
	else if (!c->busy)
		run_connection(c);
}

static void
on_client(struct poller_item *item, uint32_t events)
{
	struct connection *c = CONNECTION_OF(item, client.item);

	note_events(&c->client.side, events);
	continue_connection(c, &c->in, events);
}

static void
on_target(struct poller_item *item, uint32_t events)
{
	struct connection *c = CONNECTION_OF(item, target.item);

	note_events(&c->target.side, events);
	if (connection_is_dialling(c) && c->target.side.writable)
		end_connecting(c, events);
	else
		continue_connection(c, &c->out, events);
}

static int
begin_connecting(struct connection *c)
{
	return connections_dial(c) < 0 ? -1 : poller_add(c->all->poller, c->client.side.fd, CONNECTION_EVENTS, &c->client.item);
}

static struct connection *
new_connection(struct connections *all, int fd, const struct addr *peer)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL || admission_enter(all->admission, peer) < 0) {
		free(c);
		return NULL;
	}
	c->all = all;
	c->peer = *peer;
	c->client.item.on_events = on_client;
	c->client.side.fd = fd;
	c->target.item.on_events = on_target;
	c->target.side.fd = -1;
	c->deadlines = all->connecting;
	expiry_add(c->deadlines, &c->deadline, net_now());
	TAILQ_INSERT_TAIL(&all->list, c, entry);
	relay_count_begin(all->counters);
	return c;
}

int
connections_start(struct connections *all, int fd, const struct addr *peer)
{
	struct connection *c;
	int error;

	if (!admission_allows(all->admission, peer)) {
		net_set_reset_on_close(fd);
		close(fd);
		return 0;
	}
	c = new_connection(all, fd, peer);
	if (c == NULL) {
		close(fd);
		errno = ENOMEM;
		return -1;
	}
	if (begin_connecting(c) == 0)
		return 0;
	error = errno;
	if (!net_is_shortage(error)) {
		connections_refuse(c, error);
		return 0;
	}
	connections_abort(c);
	errno = error;
	return -1;
}

static int
make_tools(struct connections *all, struct event_base *base)
{
	uint32_t idle = all->mapping->tcp_timeout;

	all->busy_timer = event_new(base, -1, 0, on_busy, all);
	all->connecting = expiry_new(base, all->mapping->connect_timeout, on_connect_timeout, NULL);
	all->admission = admission_new(all->mapping, all->counters);
	all->poller = poller_new(base);
	all->tools.pipes = pipes_new(base);
	if (idle > 0)
		all->idle = expiry_new(base, idle, connections_on_idle, NULL);
	if (buffer_init(&all->tools.buffer, base, PUMP_BUFFER_SIZE) < 0)
		return -1;
	if (all->busy_timer == NULL || all->connecting == NULL || all->admission == NULL || all->poller == NULL ||
	    all->tools.pipes == NULL)
		return -1;
	return idle > 0 && all->idle == NULL ? -1 : 0;
}

struct connections *
connections_new(struct event_base *base, const struct mapping *mapping, struct relay_counters *counters)
{
	struct connections *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->base = base;
	all->mapping = mapping;
	all->target = mapping->target;
	all->tcp_keepalive = mapping->tcp_keepalive;
	all->counters = counters;
	TAILQ_INIT(&all->list);
	TAILQ_INIT(&all->busy);
	if (make_tools(all, base) == 0)
		return all;
	connections_free(all);
	return NULL;
}

void
connections_free(struct connections *all)
{
	struct connection *c;

	if (all == NULL)
		return;
	while ((c = TAILQ_FIRST(&all->list)) != NULL)
		connections_abort(c); /* NOLINT(clang-analyzer-unix.Malloc): it takes itself off the list */
	if (all->busy_timer != NULL)
		event_free(all->busy_timer);
	expiry_free(all->connecting);
	expiry_free(all->idle);
	poller_free(all->poller);
	pipes_free(all->tools.pipes);
	admission_free(all->admission);
	buffer_free(&all->tools.buffer);
	free(all);
}
