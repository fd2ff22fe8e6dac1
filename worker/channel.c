/* SPDX-License-Identifier: ISC */
/*
 * A UDP socket with one peer; see channel.h.
 */
#include "channel.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "net.h"
#include "uplink.h"

struct channel {
	struct worker *worker;
	struct channel_handlers handlers;
	void *context;
	struct addr peer;
	int fd;
	struct event *readable;
};

/* More datagrams than the kernel's usual buffer holds: who sends faster than they are taken must not keep
 * the loop for itself. */
#define EARLY_MAX 1024

static uint8_t data[65536];

static void
give_away(const struct worker *w, const struct addr *client, size_t length)
{
	w->on_stray(w->stray_context, client, data, length);
}

/* Receives one datagram; what is a client's is on its way then.  Returns its length if
 * it is the peer's, 0 if not, or -1 with errno. */
static ssize_t
receive_datagram(struct channel *c)
{
	struct addr source;
	ssize_t n = net_receive(c->fd, data, sizeof(data), &source);

	if (n < 0)
		return -1;
	if (n > 0 && addr_equal(&source, &c->peer))
		return n;
	give_away(c->worker, &source, (size_t)n);
	return 0;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *c = arg;
	const struct worker *w = c->worker;
	struct addr peer = c->peer;
	ssize_t n = receive_datagram(c);

	(void)fd;
	(void)what;
	if (n > 0 && !c->handlers.on_datagram(c->context, data, (size_t)n))
		give_away(w, &peer, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		c->handlers.on_error(c->context, errno);
}

/* What came before the connect, now, because this channel may end before its next turn.  The peer was
 * not asked anything yet. */
static void
drain(struct channel *c)
{
	ssize_t n = 0;
	int i;

	for (i = 0; i < EARLY_MAX && n >= 0; i++) {
		n = receive_datagram(c);
		if (n > 0)
			give_away(c->worker, &c->peer, (size_t)n);
	}
}

struct channel *
channel_open(struct worker *worker, int fd, const struct addr *peer, const struct channel_handlers *handlers,
    void *context)
{
	struct channel *c;
	int error;

	if (connect(fd, &peer->sa, addr_len(peer)) < 0) {
		error = errno;
		close(fd);
		errno = error;
		return NULL;
	}
	c = alloc_zero(sizeof(*c));
	c->worker = worker;
	c->handlers = *handlers;
	c->context = context;
	c->peer = *peer;
	c->fd = fd;
	c->readable = event_new(worker->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	if (c->readable == NULL || event_add(c->readable, NULL) < 0)
		fatal("out of memory");
	drain(c);
	return c;
}

void
channel_free(struct channel *c)
{
	if (c == NULL)
		return;
	event_free(c->readable);
	close(c->fd);
	free(c);
}

static void
on_forgotten_socket(void *context, int fd, int error)
{
	static const struct channel_handlers none;
	struct addr own;

	(void)error;
	if (fd < 0)
		return;
	own = addr_of_socket(fd);
	/* With any peer it takes no more clients' datagrams, and gives away what it has. */
	channel_free(channel_open(context, fd, &own, &none, NULL));
}

void
channel_forget_socket(struct worker *worker, struct socket_wish *wish)
{
	uplink_redirect_socket(wish, on_forgotten_socket, worker);
}

int
channel_fd(const struct channel *c)
{
	return c->fd;
}
