/* SPDX-License-Identifier: ISC */
/*
 * A connection's way to its target; see connections_state.h.  This process makes it itself, as long as
 * the target has the port that it had when the process was fenced in (fence.h); after that natterd does.
 */
#include <errno.h>

#include "connections_state.h"
#include "fence.h"
#include "net.h"
#include "target.h"
#include "uplink.h"

/* natterd serves all mappings and ends a worker that asks without end: so many are asked for in a
 * second, and further clients have to wait. */
#define ASKS_A_SECOND 1000

static bool
may_ask(struct connections *all)
{
	double now = net_now();

	if (now - all->asks_began >= 1) {
		all->asks_began = now;
		all->asks = 0;
	}
	return all->asks++ < ASKS_A_SECOND;
}

static int
watch(struct connection *c, int fd)
{
	c->target.side.fd = fd;
	return poller_add(c->all->poller, fd, CONNECTION_EVENTS, &c->target.item);
}

static void
on_socket(void *context, int fd, int error)
{
	struct connection *c = context;

	c->wish = NULL;
	c->given = true;
	c->target.side.fd = fd;
	if (fd < 0 || error != 0) {
		connections_refuse(c, error);
		return;
	}
	target_set_options(fd, c->all->mapping);
	if (watch(c, fd) < 0)
		connections_refuse(c, errno);
}

int
connections_dial(struct connection *c)
{
	const struct mapping *m = c->all->mapping;
	int fd;

	if (!fence_lets_through(&m->target)) {
		errno = ENOBUFS;
		if (!may_ask(c->all))
			return -1;
		c->wish = uplink_ask_socket(c->all->counters->uplink, SOCKET_TARGET, &m->target, on_socket, c);
		return 0;
	}
	fd = target_connect(m);
	return fd < 0 ? -1 : watch(c, fd);
}

void
connections_hang_up(struct connection *c)
{
	if (c->wish != NULL)
		uplink_forget_socket(c->wish);
	c->wish = NULL;
	if (c->given && c->target.side.fd >= 0)
		poller_unwatch(c->all->poller, c->target.side.fd);
	c->given = false;
	connections_close_end(c->all, &c->target);
}
