/* SPDX-License-Identifier: ISC */
/*
 * A hairpin probe; see hairpin.h.  Real clients that come meanwhile are neither
 * lost nor read from.
 */
#include "hairpin.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "net.h"
#include "transaction.h"
#include "uplink.h"

/* Clients beyond these are not held, as they would come within milliseconds. */
#define HELD_MAX 8

/* TCP: SYNs go out after 0, 1 and 3 s. */
static const struct timeval connect_patience = {.tv_sec = 3, .tv_usec = 500000};
/* A lost segment is sent again within this. */
static const struct timeval arrival_patience = {.tv_sec = 1};

/* A connection to the mapped port that may be the probe's. */
struct held {
	struct hairpin *hairpin;
	int fd; /* -1: none */
	struct addr peer;
	struct event *readable;
};

struct hairpin {
	struct worker *worker;
	struct addr outer;
	hairpin_done *done;
	void *context;
	struct socket_wish *wish;
	int fd;
	struct event *writable; /* TCP: connected, or failed to */
	struct event *readable; /* TCP */
	struct event *timer;    /* TCP: the end of patience */
	struct transaction transaction; /* UDP; over TCP its ID alone is used */
	bool own; /* what this machine sends to itself meets no NAT, and so says nothing */
	bool over;
	struct held held[HELD_MAX];
};

static bool
is_udp(const struct hairpin *h)
{
	return h->worker->mapping.protocol == PROTOCOL_UDP;
}

static size_t
build(const struct hairpin *h, uint8_t request[STUN_REQUEST_SIZE])
{
	return stun_build_request(request, &h->transaction.id, STUN_CHANGE_NONE);
}

static bool
is_own(const struct hairpin *h, const void *data, size_t length)
{
	uint8_t request[STUN_REQUEST_SIZE];

	return length == build(h, request) && memcmp(data, request, length) == 0;
}

static void
forget_held(struct held *held)
{
	event_free(held->readable);
	held->readable = NULL;
	held->fd = -1;
}

/* It is a client's. */
static void
release(struct held *held)
{
	struct worker *w = held->hairpin->worker;
	int fd = held->fd;

	forget_held(held);
	if (w->on_stray_connection != NULL)
		w->on_stray_connection(w->stray_context, &held->peer, fd);
	else
		close(fd);
}

/* Sends and holds nothing any more. */
static void
stop(struct hairpin *h)
{
	int i;

	h->over = true;
	if (h->wish != NULL)
		uplink_forget_socket(h->wish);
	h->wish = NULL;
	event_del(h->timer);
	transaction_stop(&h->transaction);
	if (h->writable != NULL)
		event_free(h->writable);
	if (h->readable != NULL)
		event_free(h->readable);
	h->writable = h->readable = NULL;
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	for (i = 0; i < HELD_MAX; i++)
		if (h->held[i].fd >= 0)
			release(&h->held[i]);
}

static void
finish(struct hairpin *h, bool reached)
{
	stop(h);
	h->done(h->context, reached);
}

static void
on_held_readable(evutil_socket_t fd, short what, void *arg)
{
	struct held *held = arg;
	struct hairpin *h = held->hairpin;
	/* One byte more shows that there is more. */
	uint8_t data[STUN_REQUEST_SIZE + 1];
	ssize_t n = recv(fd, data, sizeof(data), MSG_PEEK);

	(void)what;
	if (n < 0 || !is_own(h, data, (size_t)n)) {
		release(held);
		return;
	}
	net_set_reset_on_close(fd);
	forget_held(held);
	close(fd);
	finish(h, true);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	finish(arg, false);
}

/* The mapped port says nothing and ends nothing before it has seen the request: this
 * is somebody else. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	on_timer(fd, what, arg);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct hairpin *h = arg;
	uint8_t request[STUN_REQUEST_SIZE];
	size_t length = build(h, request);

	(void)what;
	if (net_socket_error(fd) != 0 || send(fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) {
		finish(h, false);
		return;
	}
	event_add(h->readable, NULL);
	event_add(h->timer, &arrival_patience);
}

static void
on_transaction_failed(void *context, int error, const char *why)
{
	(void)error;
	(void)why;
	finish(context, false);
}

static void
begin_connection(struct hairpin *h)
{
	struct worker *w = h->worker;

	net_set_reset_on_close(h->fd);
	h->writable = event_new(w->base, h->fd, EV_WRITE, on_writable, h);
	h->readable = event_new(w->base, h->fd, EV_READ, on_readable, h);
	if (h->writable == NULL || h->readable == NULL)
		fatal("out of memory");
	event_add(h->writable, NULL);
	event_add(h->timer, &connect_patience);
}

static void
on_socket(void *context, int fd, int error)
{
	struct hairpin *h = context;

	h->wish = NULL;
	h->fd = fd;
	if (fd < 0)
		log_debug("no socket for a hairpin probe: %s", strerror(error));
	if (fd < 0 || error != 0 || h->own)
		finish(h, false);
	else if (is_udp(h))
		transaction_begin(&h->transaction, fd, &h->outer, STUN_CHANGE_NONE, TRANSACTION_SHORT);
	else
		begin_connection(h);
}

struct hairpin *
hairpin_start(struct worker *worker, const struct addr *outer, hairpin_done *done, void *context)
{
	struct hairpin *h = alloc_zero(sizeof(*h));
	int i;

	h->worker = worker;
	h->outer = *outer;
	h->done = done;
	h->context = context;
	h->fd = -1;
	for (i = 0; i < HELD_MAX; i++)
		h->held[i] = (struct held){.hairpin = h, .fd = -1};
	h->timer = event_new(worker->base, -1, 0, on_timer, h);
	if (h->timer == NULL)
		fatal("out of memory");
	transaction_init(&h->transaction, worker->base, on_transaction_failed, h);
	h->transaction.id = stun_new_id();
	h->own = net_is_own_address(outer);
	h->wish = uplink_ask_socket(worker->uplink, SOCKET_FRESH, is_udp(h) || h->own ? NULL : outer, on_socket, h);
	return h;
}

void
hairpin_free(struct hairpin *h)
{
	if (h == NULL)
		return;
	stop(h);
	transaction_free(&h->transaction);
	event_free(h->timer);
	free(h);
}

/* A connection is established at its own end before it is in the listener's queue; that end may still be
 * on its way here. */
static bool
is_connected(const struct hairpin *h)
{
	struct pollfd own = {.fd = h->fd, .events = POLLOUT};

	return h->wish != NULL ? !h->own : h->fd >= 0 && poll(&own, 1, 0) == 1 && own.revents == POLLOUT;
}

bool
hairpin_claim_connection(struct hairpin *h, int fd, const struct addr *peer)
{
	struct held *held;
	int i = 0;

	if (h == NULL || h->over || is_udp(h) || !is_connected(h))
		return false;
	while (i < HELD_MAX && h->held[i].fd >= 0)
		i++;
	if (i == HELD_MAX)
		return false;
	held = &h->held[i];
	held->readable = event_new(h->worker->base, fd, EV_READ, on_held_readable, held);
	if (held->readable == NULL)
		return false;
	event_add(held->readable, NULL);
	held->fd = fd;
	held->peer = *peer;
	return true;
}

bool
hairpin_claim_datagram(struct hairpin *h, const void *data, size_t length)
{
	if (h == NULL || !is_udp(h) || !is_own(h, data, length))
		return false;
	if (!h->over)
		finish(h, true);
	return true;
}
